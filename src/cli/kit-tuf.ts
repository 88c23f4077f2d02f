import { join } from "node:path";
import type { Outside } from "../clients/outside.ts";
import { temporaryFolder } from "../clients/temporary.ts";
import { refreshTuf } from "../clients/tuf.ts";
import type { TufTrust } from "../clients/tuf-cache.ts";
import type { Kit, KitContent } from "../consumer/kit-archive.ts";
import { bytesContent } from "../consumer/kit-export.ts";
import { KIT_PLACES } from "../consumer/kit-manifest.ts";
import { readMember } from "../consumer/kit-verify.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { MAX_TRUST_BYTES } from "../formats/trusted-root.ts";
import type { Invocation } from "./command.ts";
import type { Settings } from "./settings.ts";
import { readPinned } from "./trust.ts";
import { trustHome } from "./trust-tuf.ts";

const ATTEMPTS = 4;
/** Where a kit's documents seem to come from; nothing is ever asked there. */
const KIT_MIRROR = "https://kit.invalid/";

/** The network, which also remembers what it gave below `base`. */
const recording = (outside: Outside, base: string, seen: Map<string, Uint8Array>): Outside => ({
  ...outside,
  fetch: async (input, init) => {
    const response = await outside.fetch(input, init);
    const url = String(input instanceof Request ? input.url : input);
    if (response.status !== 200 || !url.startsWith(base)) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    seen.set(url.slice(base.length), bytes);
    const { status, headers } = response;
    return new Response(bytes, { status, headers: plainHeaders(headers) });
  },
});

/** The body is no longer compressed, whatever it was. */
const plainHeaders = (headers: Headers): Headers => {
  const plain = new Headers(headers);
  for (const name of ["content-encoding", "content-length"]) plain.delete(name);
  return plain;
};

/**
 * The TUF documents that lead from --tuf-root to the trust root of --tuf-mirror today, as files of
 * a kit: another site that pins the same root goes the same way without the mirror. None where
 * trust comes from elsewhere.
 */
export const tufChain = async (
  invocation: Invocation,
  settings: Settings,
): Promise<Result<KitContent[]>> => {
  const mirror = settings.text("tuf-mirror");
  const path = settings.text("tuf-root");
  const elsewhere = settings.text("trust-config") ?? settings.text("trusted-root");
  if (mirror === undefined || path === undefined || elsewhere !== undefined) return ok([]);
  if (settings.on("offline")) return ok([]);
  const firstRoot = await readPinned(invocation, path, settings);
  if (!firstRoot.ok) return firstRoot;
  const folder = await temporaryFolder("wheelseal-kit-tuf-");
  const seen = new Map<string, Uint8Array>();
  try {
    const { outside, files } = invocation;
    const world = { outside: recording(outside, mirror.replace(/\/*$/, "/"), seen), files };
    const source = { mirror, firstRoot: firstRoot.value, folder: folder.path };
    const refreshed = await refreshTuf(source, world, ATTEMPTS);
    if (!refreshed.ok) return refreshed;
  } finally {
    await folder.discard();
  }
  return ok([...seen].map(([name, bytes]) => bytesContent(`${KIT_PLACES.tuf}${name}`, bytes)));
};

/** A network in which there is nothing but the TUF documents of a kit. */
const fetchFrom = (kit: Kit): Outside["fetch"] =>
  (async (input) => {
    const url = String(input instanceof Request ? input.url : input);
    const path = `${KIT_PLACES.tuf}${url.slice(KIT_MIRROR.length)}`;
    const bytes = await readMember(kit, path, MAX_TRUST_BYTES);
    if (!bytes.ok || bytes.value === undefined) return new Response(null, { status: 404 });
    return new Response(new Uint8Array(bytes.value));
  }) as Outside["fetch"];

/**
 * Goes from the site's own TUF root to the trust root that the kit's TUF documents vouch for, by
 * the whole client workflow: they must be signed by whom the root names, and not have ended. What
 * was seen in earlier kits is remembered, so that a later one cannot lead back.
 * @returns KIT_TRUST for a kit without such documents, and as `refreshTuf` does
 */
export const tufTrustOfKit = async (
  invocation: Invocation,
  settings: Settings,
  rootPath: string,
  kit: Kit,
): Promise<Result<TufTrust>> => {
  if (![...kit.files.keys()].some((path) => path.startsWith(KIT_PLACES.tuf))) {
    return fail("KIT_TRUST", "the kit has no TUF documents to follow from --tuf-root");
  }
  const firstRoot = await readPinned(invocation, rootPath, settings);
  if (!firstRoot.ok) return firstRoot;
  const home = trustHome(settings.env);
  if (home === undefined) return fail("CONFIG", "set HOME or WHEELSEAL_TRUST_DIR");
  const folder = join(home, `kits-${hex(sha256(firstRoot.value)).slice(0, 32)}`);
  const source = { mirror: KIT_MIRROR, firstRoot: firstRoot.value, folder };
  const outside = { ...invocation.outside, fetch: fetchFrom(kit) };
  return refreshTuf(source, { outside, files: invocation.files }, 1);
};
