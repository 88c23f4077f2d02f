import { join } from "node:path";
import { refreshTuf } from "../clients/tuf.ts";
import { cachedTuf, type TufSource, type TufTrust, unreachableAt } from "../clients/tuf-cache.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import type { Code } from "../formats/errors.ts";
import { PUBLIC_GOOD_ROOT } from "../formats/public-good-root.ts";
import { PUBLIC_GOOD_MIRROR, PUBLIC_GOOD_TUF_ROOT } from "../formats/public-good-tuf-root.ts";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { parseTufMetadata } from "../formats/tuf.ts";
import type { Invocation } from "./command.ts";
import type { Settings } from "./settings.ts";

const HOUR = 3600_000;
const REFRESH_AFTER = 24 * HOUR;
const ASK_AGAIN_AFTER = HOUR;

/** The trust that a TUF repository vouches for, or the copy that is built in. */
export type TufBacked = Omit<TufTrust, "refreshedAt"> & {
  readonly mirror: string;
  /** Milliseconds since 1970; `undefined` for the copy that is built in. */
  readonly refreshedAt: number | undefined;
};

/** How a command may use the network for its trust. */
export type Refreshing = "when-due" | "now";

/** Where TUF's memory is kept for this user; `undefined` where there is no home. */
export const trustHome = (env: Settings["env"]): string | undefined => {
  const { WHEELSEAL_TRUST_DIR, XDG_DATA_HOME, HOME, LOCALAPPDATA } = env;
  if (WHEELSEAL_TRUST_DIR) return WHEELSEAL_TRUST_DIR;
  if (XDG_DATA_HOME) return join(XDG_DATA_HOME, "wheelseal", "tuf");
  if (HOME) return join(HOME, ".local", "share", "wheelseal", "tuf");
  return LOCALAPPDATA ? join(LOCALAPPDATA, "wheelseal", "tuf") : undefined;
};

/** Another pinned root is another folder: what one led to says nothing about the other. */
const sourceOf = (
  settings: Settings,
  mirror: string,
  firstRoot: Uint8Array,
): TufSource | undefined => {
  const home = trustHome(settings.env);
  if (home === undefined) return undefined;
  const name = hex(sha256(utf8(`${mirror}\n${hex(sha256(firstRoot))}`))).slice(0, 32);
  return { mirror, firstRoot, folder: join(home, name) };
};

/** The trust of a private repository, from its pinned first root on. */
export const privateTufTrust = async (
  invocation: Invocation,
  settings: Settings,
  pinned: { readonly mirror: string; readonly firstRoot: Uint8Array },
  refreshing: Refreshing,
): Promise<Result<TufBacked>> => {
  const { mirror, firstRoot } = pinned;
  const source = sourceOf(settings, mirror, firstRoot);
  if (source === undefined) return fail("CONFIG", "set HOME or WHEELSEAL_TRUST_DIR");
  const found = await trustFrom(invocation, settings, source, refreshing);
  if (!found.ok) return found;
  const { trust, failed } = found.value;
  if (trust === undefined) {
    return failed === undefined
      ? fail("CONFIG", `nothing of ${mirror} was kept on this machine to use offline`)
      : { ok: false, error: failed };
  }
  const backed = { ...trust, mirror };
  noteState(invocation, backed, failed);
  return ok(backed);
};

/** The public-good trust: as last refreshed, else as built in. */
export const publicGoodTrust = async (
  invocation: Invocation,
  settings: Settings,
  refreshing: Refreshing,
): Promise<Result<TufBacked>> => {
  const builtIn = builtInTrust();
  if (!builtIn.ok) return builtIn;
  const source = sourceOf(settings, PUBLIC_GOOD_MIRROR, utf8(PUBLIC_GOOD_TUF_ROOT));
  const found =
    source === undefined
      ? ok({ trust: undefined, failed: undefined })
      : await trustFrom(invocation, settings, source, refreshing);
  if (!found.ok) return found;
  const { trust, failed } = found.value;
  if (refreshing === "now" && trust === undefined && failed !== undefined) {
    return { ok: false, error: failed };
  }
  const backed = trust === undefined ? builtIn.value : { ...trust, mirror: PUBLIC_GOOD_MIRROR };
  noteState(invocation, backed, failed);
  return ok(backed);
};

const builtInTrust = (): Result<TufBacked> => {
  const root = parseTufMetadata(utf8(PUBLIC_GOOD_TUF_ROOT), "root");
  if (!root.ok) return root;
  return ok({
    trustedRoot: utf8(PUBLIC_GOOD_ROOT),
    signingConfig: undefined,
    rootVersion: root.value.version,
    expires: root.value.expires,
    mirror: PUBLIC_GOOD_MIRROR,
    refreshedAt: undefined,
  });
};

type Found = { readonly trust: TufTrust | undefined; readonly failed: Failure | undefined };

/** Not having been able to ask is no reason to stop; having been told something wrong is. */
const HARMLESS: readonly Code[] = ["NETWORK_UNREACHABLE", "NETWORK_RESPONSE", "FILE_UNWRITABLE"];

const trustFrom = async (
  { outside, files }: Invocation,
  settings: Settings,
  source: TufSource,
  refreshing: Refreshing,
): Promise<Result<Found>> => {
  const cached = await cachedTuf(source, files);
  if (!cached.ok) return cached;
  const kept = ok({ trust: cached.value, failed: undefined });
  if (refreshing === "when-due") {
    if (settings.on("offline")) return kept;
    const now = outside.now();
    const within = (time: number | undefined, span: number): boolean =>
      time !== undefined && time <= now && now < time + span;
    const { expires = 0, refreshedAt } = cached.value ?? {};
    if (now < expires && within(refreshedAt, REFRESH_AFTER)) return kept;
    const enough = cached.value !== undefined || source.mirror === PUBLIC_GOOD_MIRROR;
    if (enough && within(await unreachableAt(source, files), ASK_AGAIN_AFTER)) return kept;
  }
  // One try, where there is something to go on with: who is offline does not wait.
  const needed = cached.value === undefined && source.mirror !== PUBLIC_GOOD_MIRROR;
  const attempts = refreshing === "now" || needed ? 4 : 1;
  const refreshed = await refreshTuf(source, { outside, files }, attempts);
  if (refreshed.ok) return ok({ trust: refreshed.value, failed: undefined });
  const harmless = HARMLESS.includes(refreshed.error.code) && refreshing === "when-due";
  return harmless ? ok({ trust: cached.value, failed: refreshed.error }) : refreshed;
};

/** Says what is not as it should be: a mirror that did not answer, a validity that has ended. */
const noteState = (
  { terminal, outside }: Invocation,
  { mirror, rootVersion, expires, refreshedAt }: TufBacked,
  failed: Failure | undefined,
): void => {
  const ended = expires <= outside.now();
  if (!ended && failed === undefined) return;
  const origin =
    refreshedAt === undefined ? "as built in" : `as refreshed at ${rfc3339(refreshedAt)}`;
  const state = `TUF root version ${rootVersion}, ${ended ? "ended" : "ends"} ${rfc3339(expires)}`;
  terminal.err(`note: trusting ${mirror} ${origin} (${state})`);
  if (failed !== undefined) terminal.err(`note: it was not refreshed: ${failed.message}`);
  if (ended) terminal.err("note: keys that were replaced since then are not known here");
};
