import { link, mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/** A folder of its own for one file on its way; nothing in it is ever served. */
export type Quarantine = {
  /** The path for a file of that name. */
  readonly path: (filename: string) => string;
  readonly clear: () => Promise<void>;
};

/** Content by its digest: what was checked is what is served, whatever an upstream does later. */
export type GatewayStore = {
  readonly quarantine: () => Promise<Result<Quarantine>>;
  /** Moves a checked file, which was flushed when it arrived, to its place. */
  readonly keep: (path: string, digest: string) => Promise<Result<void>>;
  /** The same for content in memory; gives its digest. */
  readonly keepBytes: (content: Uint8Array) => Promise<Result<string>>;
  /** Puts kept content back under a file name, to be checked again. */
  readonly takeOut: (digest: string, path: string) => Promise<boolean>;
  /** Bytes of kept content; `undefined` where it is not there. */
  readonly sizeOf: (digest: string) => Promise<number | undefined>;
  readonly pathOf: (digest: string) => string;
};

const DIGEST = /^[0-9a-f]{64}$/;

const reason = (error: unknown): string => (error as { code?: string }).code ?? "unknown error";

const flushed = async (path: string): Promise<void> => {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

let taken = 0;

/**
 * Opens the store in `folder`; what an earlier process left in quarantine is removed.
 * @returns FILE_UNWRITABLE
 */
export const openGatewayStore = async (folder: string): Promise<Result<GatewayStore>> => {
  const incoming = join(folder, "quarantine");
  const pathOf = (digest: string): string => {
    if (!DIGEST.test(digest)) throw new TypeError("no digest");
    return join(folder, "objects", digest.slice(0, 2), digest);
  };
  const place = async (path: string, digest: string): Promise<void> => {
    await mkdir(dirname(pathOf(digest)), { recursive: true });
    await rename(path, pathOf(digest));
    await flushed(dirname(pathOf(digest)));
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<Result<T>> => {
    try {
      return ok(await work());
    } catch (error) {
      return fail("FILE_UNWRITABLE", `${folder}: ${reason(error)}`);
    }
  };
  const next = (): string => {
    taken += 1;
    return join(incoming, String(taken));
  };
  const prepared = await guarded(async () => {
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    await mkdir(join(folder, "objects"), { recursive: true, mode: 0o700 });
  });
  if (!prepared.ok) return prepared;
  return ok({
    pathOf,
    quarantine: () =>
      guarded(async () => {
        const own = next();
        await mkdir(own);
        return {
          path: (filename: string) => join(own, filename),
          clear: () => rm(own, { recursive: true, force: true }),
        };
      }),
    keep: (path, digest) => guarded(() => place(path, digest)),
    keepBytes: (content) =>
      guarded(async () => {
        const digest = hex(sha256(content));
        const path = next();
        await writeFile(path, content, { mode: 0o600 });
        await flushed(path);
        await place(path, digest);
        return digest;
      }),
    takeOut: (digest, path) =>
      link(pathOf(digest), path).then(
        () => true,
        () => false,
      ),
    sizeOf: (digest) =>
      stat(pathOf(digest)).then(
        ({ size }) => size,
        () => undefined,
      ),
  });
};
