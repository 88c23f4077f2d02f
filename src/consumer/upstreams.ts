import { NO_AUTH, type RegistryAuth } from "../clients/credentials.ts";
import type { Files } from "../clients/files.ts";
import { genericPackage, genericPackageUrl } from "../clients/generic.ts";
import type { Outside } from "../clients/outside.ts";
import { type SimpleIndex, simpleIndex } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { EvidenceSource } from "../stages/release.ts";
import type { Owned, UpstreamConfig } from "./gateway-config.ts";

/** One index behind the gateway, and where the evidence of its files is. */
export type Upstream = {
  readonly config: UpstreamConfig;
  readonly index: SimpleIndex;
  /** Evidence beside the index: local files first, then the generic registry. */
  readonly evidence: (name: NormalizedName, version: Version) => EvidenceSource;
};

export type Upstreams = {
  readonly all: readonly Upstream[];
  /** The one upstream that owns a name. Fails with GATEWAY_UNOWNED. */
  readonly ownerOf: (name: NormalizedName) => Result<Upstream>;
};

/** How closely a claim fits a name: the closest wins; 0 where it does not fit. */
const closeness = (owned: Owned, name: NormalizedName): number => {
  switch (owned.kind) {
    case "exact":
      return owned.name === name ? Number.POSITIVE_INFINITY : 0;
    case "prefix":
      return name.startsWith(owned.prefix) ? 1 + owned.prefix.length : 0;
    case "rest":
      return 1;
    default:
      return owned satisfies never;
  }
};

const closest = ({ config }: Upstream, name: NormalizedName): number =>
  Math.max(0, ...config.owns.map((owned) => closeness(owned, name)));

/**
 * The upstreams of a gateway. A name belongs to the one whose claim fits it most closely: the
 * name itself before the longest beginning, that before `*`. Other upstreams are never asked
 * about it, whatever they have, so no stranger's package can stand in for one's own.
 */
export const openUpstreams = (
  upstreams: readonly { readonly config: UpstreamConfig; readonly auth: RegistryAuth }[],
  outside: Outside,
  files: Files,
): Upstreams => {
  const all = upstreams.map(({ config, auth }) => open(config, auth, outside, files));
  return {
    all,
    ownerOf: (name) => {
      const ranked = all
        .map((upstream) => ({ upstream, fit: closest(upstream, name) }))
        .filter(({ fit }) => fit > 0)
        .sort((a, b) => (a.fit < b.fit ? 1 : -1));
      const [first] = ranked;
      return first === undefined
        ? fail("GATEWAY_UNOWNED", `no upstream owns the name ${name}`)
        : ok(first.upstream);
    },
  };
};

const open = (
  config: UpstreamConfig,
  auth: RegistryAuth,
  outside: Outside,
  files: Files,
): Upstream => ({
  config,
  index: simpleIndex(outside, { url: config.index, auth }),
  evidence: (name, version) => async (file) => {
    const local = await localEvidence(config, files, file);
    if (!local.ok || local.value !== undefined || config.generic === undefined) return local;
    const url = genericPackageUrl(config.generic, name, version);
    if (!url.ok) return url;
    // The login is for the index's own origin, wherever the signatures are said to be.
    const sameOrigin = URL.parse(url.value)?.origin === URL.parse(config.index)?.origin;
    const place = { url: url.value, auth: sameOrigin ? auth : NO_AUTH };
    return genericPackage(outside, place).get(file, MAX_EVIDENCE_BYTES);
  },
});

const localEvidence = async (
  config: UpstreamConfig,
  files: Files,
  name: string,
): Promise<Result<Uint8Array | undefined>> =>
  config.evidence === undefined
    ? ok(undefined)
    : files.readIfPresent(`${config.evidence}/${name}`, MAX_EVIDENCE_BYTES);
