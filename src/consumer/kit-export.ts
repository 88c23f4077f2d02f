import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { evidenceNames } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { formatTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { EvidenceSource, ReleaseVerdict } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import type { KitContent } from "./kit-archive.ts";
import {
  KIT_PLACES,
  type KitLogged,
  type KitManifest,
  type KitPackage,
  type KitTrust,
} from "./kit-manifest.ts";
import { kitPolicy, type Stated } from "./kit-policy.ts";

/** A distribution with its verdict and the evidence that the verdict rests on. */
export type KitEntry = {
  readonly verdict: ReleaseVerdict;
  /** By the names of the evidence files. */
  readonly evidence: ReadonlyMap<string, Uint8Array>;
  readonly open: () => AsyncIterable<Uint8Array>;
  /** What was asked of it; `release` where absent. */
  readonly demands?: KitPackage["demands"];
  /** In an audit, what it came to. */
  readonly outcome?: KitPackage["verdict"];
};

export type KitPlan = {
  readonly entries: readonly KitEntry[];
  readonly trust: KitTrust & { readonly root: TrustedRoot };
  /** Absent where only a lock said whom to expect. */
  readonly expect: Expected | undefined;
  /** Whom the lock states for packages that no policy names. */
  readonly stated?: Stated;
  readonly tool: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds. */
  readonly validFor: number;
};

/** A kit to be written. */
export type KitDraft = {
  readonly manifest: Omit<KitManifest, "files">;
  readonly contents: readonly KitContent[];
};

/** Remembers what evidence was asked for and found: what a verdict rests on, and nothing else. */
export const recordEvidence = (
  source: EvidenceSource,
): { readonly source: EvidenceSource; readonly seen: Map<string, Uint8Array> } => {
  const seen = new Map<string, Uint8Array>();
  return {
    seen,
    source: async (name) => {
      const found = seen.get(name);
      if (found !== undefined) return ok(found);
      const bytes = await source(name);
      if (bytes.ok && bytes.value !== undefined) seen.set(name, bytes.value);
      return bytes;
    },
  };
};

export const bytesContent = (path: string, bytes: Uint8Array): KitContent => ({
  path,
  size: bytes.length,
  sha256: hex(sha256(bytes)),
  open: async function* () {
    yield bytes;
  },
});

/** What a manifest says of a distribution. */
export const describePackage = (
  { filename, pinned, proofs }: ReleaseVerdict,
  demands: KitPackage["demands"] = "release",
  outcome: KitPackage["verdict"] = pinned === true ? "pinned" : "verified",
): KitPackage => {
  const verified = proofs.flatMap(({ verdict }) => (verdict.verified ? [verdict] : []));
  const signer = verified[0]?.signer;
  const certified =
    signer?.kind === "certificate" ? { identity: signer.san, issuer: signer.issuer } : undefined;
  const logged = verified.flatMap((one) =>
    one.logged.map(
      ({ logId, logIndex, inclusion }): KitLogged => ({
        logId,
        logIndex,
        ...(inclusion?.checkpoint === undefined ? {} : { checkpoint: inclusion.checkpoint }),
      }),
    ),
  );
  const unique = new Map(logged.map((one) => [`${one.logId} ${one.logIndex}`, one]));
  return {
    filename,
    demands,
    verdict: outcome,
    ...(certified === undefined ? {} : { signer: certified }),
    signedAt: [...new Set(verified.flatMap(({ times }) => times))].sort(),
    logged: [...unique.values()],
  };
};

const contentsOf = ({ verdict, evidence, open }: KitEntry): KitContent[] => {
  const { filename, size, sha256: digest } = verdict;
  const names = Object.values(evidenceNames(filename));
  const place = (name: string) => `${KIT_PLACES.packages}${name}`;
  return [
    { path: place(filename), size, sha256: digest, open },
    ...[...evidence]
      .filter(([name]) => names.includes(name))
      .map(([name, bytes]) => bytesContent(place(name), bytes)),
  ];
};

/** One entry a file; two that are not the same file are a conflict. */
const distinct = (entries: readonly KitEntry[]): Result<readonly KitEntry[]> => {
  const byName = new Map<string, KitEntry>();
  for (const entry of entries) {
    const { filename, sha256: digest } = entry.verdict;
    const other = byName.get(filename);
    if (other !== undefined && other.verdict.sha256 !== digest) {
      return fail("KIT_PATH", `two different files are called ${filename}`);
    }
    byName.set(filename, other ?? entry);
  }
  return ok([...byName.values()]);
};

/**
 * Puts a kit together of distributions that all verified, and further files for known places.
 * @returns DIST_EMPTY, KIT_PATH, and the failure of the first that did not verify
 */
export const draftKit = (plan: KitPlan, extra: readonly KitContent[] = []): Result<KitDraft> => {
  const refused = plan.entries.find(({ verdict }) => verdict.failure !== undefined);
  if (refused?.verdict.failure !== undefined) return { ok: false, error: refused.verdict.failure };
  return draft("kit", plan, extra);
};

export const draft = (
  kind: KitManifest["kind"],
  plan: KitPlan,
  extra: readonly KitContent[],
): Result<KitDraft> => {
  const entries = distinct(plan.entries);
  if (!entries.ok) return entries;
  if (entries.value.length === 0) return fail("DIST_EMPTY", "there is nothing to put into a kit");
  const { root, ...trust } = plan.trust;
  const filenames = entries.value.map(({ verdict }) => verdict.filename);
  const { document, ...policy } = kitPolicy(plan.expect, filenames, plan.stated);
  return ok({
    manifest: {
      kind,
      tool: plan.tool,
      createdAt: plan.createdAt,
      expiresAt: plan.createdAt + plan.validFor,
      trust,
      policy,
      packages: entries.value.map(({ verdict, demands, outcome }) =>
        describePackage(verdict, demands, outcome),
      ),
    },
    contents: [
      ...entries.value.flatMap(contentsOf),
      bytesContent(KIT_PLACES.policy, document),
      bytesContent(KIT_PLACES.trust, formatTrustedRoot(root)),
      ...extra,
    ],
  });
};
