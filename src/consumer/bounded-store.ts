import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import type { GatewayStore } from "./gateway-store.ts";
import { type Kept, type Ledger, openLedger } from "./store-ledger.ts";

/**
 * A store that removes what was served least recently when it grows beyond its limit, and nothing
 * that is in use. What it removed is absent, and is verified again when somebody asks for it.
 */
export type BoundedStore = GatewayStore & {
  /** Whether content is there, as far as this process knows. */
  readonly has: (digest: string) => boolean;
  /**
   * Content to answer with, which stays until the function that it gives is called; `undefined`
   * where it is not there.
   */
  readonly serve: (digest: string) => (() => void) | undefined;
  /** The same store; what is found or kept through it stays until `end`. */
  readonly holding: () => { readonly store: BoundedStore; readonly end: () => void };
  /** Bytes of all content. */
  readonly bytes: () => number;
};

export type StoreLimit = {
  /** Bytes of all content together; `undefined` for no limit. */
  readonly limit: number | undefined;
  /** Is told what was removed, or that it could not be. */
  readonly evicted: (kept: Kept, removed: Result<void>) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Milliseconds after which it is noted again on the disk that content is in use. */
const MARK_PERIOD = 60 * 60 * 1000;

type Parts = {
  readonly store: GatewayStore;
  readonly ledger: Ledger;
  /** Waits for the removal of content, if it is on its way out. */
  readonly settled: (digest: string) => Promise<unknown>;
  /** Removes what has to go. */
  readonly trim: () => void;
  /** Notes that content is served. */
  readonly mark: (digest: string) => void;
  /** Notes that the disk says already that content is in use. */
  readonly marked: (digest: string) => void;
};

/**
 * Puts a limit on a store that no other process writes to.
 * @returns FILE_UNWRITABLE
 */
export const boundStore = async (
  store: GatewayStore,
  { limit, evicted, now }: StoreLimit,
): Promise<Result<BoundedStore>> => {
  const listed = await store.list();
  if (!listed.ok) return listed;
  const ledger = openLedger(limit);
  const removals = new Map<string, Promise<void>>();
  const marks = new Map<string, number>();
  const marked = (digest: string): void => void marks.set(digest, now());
  const remove = async (kept: Kept): Promise<void> => {
    const removed = await store.remove(kept.digest);
    removals.delete(kept.digest);
    marks.delete(kept.digest);
    evicted(kept, removed);
  };
  const trim = (): void => {
    for (const kept of ledger.overflow()) removals.set(kept.digest, remove(kept));
  };
  const mark = (digest: string): void => {
    ledger.served(digest);
    const at = now();
    if (at - (marks.get(digest) ?? 0) < MARK_PERIOD) return;
    marks.set(digest, at);
    void store.mark(digest, at);
  };
  for (const kept of listed.value) ledger.put(kept);
  trim();
  const settled = async (digest: string): Promise<unknown> => removals.get(digest);
  return ok(viewOf({ store, ledger, settled, trim, mark, marked }, () => undefined));
};

/** @param touch - is told of all content that is found or kept, while that is sure to stay */
const viewOf = (parts: Parts, touch: (digest: string) => void): BoundedStore => {
  const { store, ledger, trim } = parts;
  const using = async <T>(digest: string, work: () => Promise<T>): Promise<T> => {
    const release = ledger.use(digest);
    try {
      return await work();
    } finally {
      release();
      trim();
    }
  };
  const entered = async (digest: string): Promise<void> => {
    const size = await store.sizeOf(digest);
    if (size === undefined) return;
    ledger.put({ digest, size });
    parts.marked(digest);
    touch(digest);
  };
  return {
    ...store,
    has: (digest) => {
      const found = ledger.has(digest);
      if (found) touch(digest);
      return found;
    },
    serve: (digest) => serve(parts, digest),
    holding: () => hold(parts),
    bytes: ledger.bytes,
    keep: (path, digest) =>
      using(digest, async () => {
        await parts.settled(digest);
        const kept = await store.keep(path, digest);
        if (kept.ok) await entered(digest);
        return kept;
      }),
    keepBytes: (content) => {
      const digest = hex(sha256(content));
      return using(digest, async () => {
        await parts.settled(digest);
        const kept = await store.keepBytes(content);
        if (kept.ok) await entered(digest);
        return kept;
      });
    },
    takeOut: async (digest, path) => {
      if (!ledger.has(digest)) return false;
      touch(digest);
      return using(digest, () => store.takeOut(digest, path));
    },
    sizeOf: async (digest) => {
      if (!ledger.has(digest)) return undefined;
      touch(digest);
      return using(digest, async () => {
        const size = await store.sizeOf(digest);
        if (size === undefined) ledger.forget(digest);
        return size;
      });
    },
  };
};

const serve = ({ ledger, trim, mark }: Parts, digest: string): (() => void) | undefined => {
  if (!ledger.has(digest)) return undefined;
  mark(digest);
  const release = ledger.use(digest);
  return () => {
    release();
    trim();
  };
};

const hold = (parts: Parts): ReturnType<BoundedStore["holding"]> => {
  const held = new Map<string, () => void>();
  let hasEnded = false;
  const touch = (digest: string): void => {
    if (!hasEnded && !held.has(digest)) held.set(digest, parts.ledger.use(digest));
  };
  const end = (): void => {
    hasEnded = true;
    for (const release of held.values()) release();
    held.clear();
    parts.trim();
  };
  return { store: viewOf(parts, touch), end };
};
