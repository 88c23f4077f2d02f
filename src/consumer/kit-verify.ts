import { inspectBytes, streamOf } from "../clients/archive.ts";
import { type Sha256, sha256 } from "../crypto/hash.ts";
import { looseRelease } from "../dists/filename.ts";
import { fieldValues } from "../dists/metadata.ts";
import { equal, fromHex, hex } from "../formats/bytes.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { formatTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import {
  type EvidenceSource,
  type ReleaseInput,
  type ReleaseVerdict,
  verifyRelease,
} from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import { identityOffered } from "./first-use.ts";
import type { Kit } from "./kit-archive.ts";
import { describePackage } from "./kit-export.ts";
import { KIT_PLACES, type KitPackage } from "./kit-manifest.ts";

/** Whom this site trusts and expects: never what the kit says of that. */
export type KitExpectation = {
  readonly expect: Expected;
  readonly trust: TrustedRoot;
  /** `attested` where that is enough for files of which the kit says that no more was asked. */
  readonly demands?: ReleaseInput["demands"];
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** A file of the kit in memory; fails with FORMAT_SIZE, or is `undefined` where there is none. */
export const readMember = async (
  kit: Kit,
  path: string,
  maxBytes: number,
): Promise<Result<Uint8Array | undefined>> => {
  const file = kit.files.get(path);
  if (file === undefined) return ok(undefined);
  if (file.size > maxBytes) return fail("FORMAT_SIZE", `${path} has ${file.size} bytes`);
  return ok(await file.access.read(0, file.size));
};

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether a kit is still good by its own word: it stands for those who carry it honestly, as
 * everything in the manifest does.
 * @returns KIT_EXPIRED, also for a kit from more than a day ahead
 */
export const checkKitAge = ({ manifest }: Kit, now: number): Failure | undefined => {
  const { createdAt, expiresAt } = manifest;
  if (now >= expiresAt) {
    return failure("KIT_EXPIRED", `the kit expired at ${rfc3339(expiresAt)}`);
  }
  if (createdAt > now + DAY) {
    const made = `the kit was made at ${rfc3339(createdAt)}`;
    return failure("KIT_EXPIRED", `${made}, which is to come by this machine's clock`);
  }
  return undefined;
};

/** A distribution of a kit as it verified, and what its metadata asks of Python. */
export type KitVerdict = {
  readonly verdict: ReleaseVerdict;
  /** As in the manifest; the code of a refusal where it was refused. */
  readonly outcome: string;
  readonly requiresPython?: string;
};

/**
 * Verifies every distribution of a kit anew, by the evidence in it, with no network. In an audit's
 * archive, packages for which the policy names nobody are judged as the audit did; what comes to
 * less than the audit says is refused.
 * @returns KIT_MANIFEST where the manifest says of one what its evidence does not
 */
export const verifyKit = async (
  kit: Kit,
  against: KitExpectation,
): Promise<Result<KitVerdict[]>> => {
  const verdicts: KitVerdict[] = [];
  for (const said of kit.manifest.packages) {
    const verdict = await verifyPackage(kit, said, against);
    if (!verdict.ok) return verdict;
    const same = compareSaid(kit, said, verdict.value.verdict, against);
    if (!same.ok) return same;
    verdicts.push(verdict.value);
  }
  return ok(verdicts);
};

/**
 * People read who signed and when from the manifest too, so it must say what verified. Times and
 * logs depend on whom one trusts: they are compared where that is the same. What is refused here,
 * or pinned by this site, has nothing to compare.
 */
const compareSaid = (
  kit: Kit,
  said: KitPackage,
  verdict: ReleaseVerdict,
  { trust }: KitExpectation,
): Result<void> => {
  if (verdict.failure !== undefined || verdict.proofs.length === 0) return ok(undefined);
  const found = describePackage(verdict);
  const root = hex(sha256(formatTrustedRoot(trust)));
  const whole = root === kit.files.get(KIT_PLACES.trust)?.sha256;
  const { signer, signedAt, logged } = found;
  const same =
    equal(canonicalJson([said.signer ?? null]), canonicalJson([signer ?? null])) &&
    (!whole ||
      equal(canonicalJson([said.signedAt, said.logged]), canonicalJson([signedAt, logged])));
  return same
    ? ok(undefined)
    : fail("KIT_MANIFEST", `the manifest says of ${said.filename} what its evidence does not`);
};

/** Whom to expect of a file, and what it comes to where it verifies. */
type Judgement = { readonly expect: Expected; readonly outcome: "verified" | "signed" };

const expectedOf = async (
  kit: Kit,
  filename: string,
  expect: Expected,
  evidence: EvidenceSource,
): Promise<Result<Judgement>> => {
  const release = looseRelease(filename);
  const named =
    kit.manifest.kind === "kit" ||
    expect.kind !== "policy" ||
    (release.ok && expect.policy.packages.has(release.value.name));
  if (named) return ok({ expect, outcome: "verified" });
  const offered = await identityOffered(filename, evidence);
  if (!offered.ok) return offered;
  return ok({ expect: { kind: "identity", anyOf: [offered.value] }, outcome: "signed" });
};

const verifyPackage = async (
  kit: Kit,
  said: KitPackage,
  { expect, trust, demands, now }: KitExpectation,
): Promise<Result<KitVerdict>> => {
  const { filename } = said;
  const file = kit.files.get(`${KIT_PLACES.packages}${filename}`);
  const digest = fromHex(file?.sha256 ?? "");
  if (file === undefined || !digest.ok) return fail("KIT_MANIFEST", `the kit has no ${filename}`);
  const { access, size, sha256: named } = file;
  const evidence: EvidenceSource = (name) =>
    readMember(kit, `${KIT_PLACES.packages}${name}`, MAX_EVIDENCE_BYTES);
  const inspected = inspectBytes(filename, access);
  const report = await inspected;
  const [asks] = report.ok ? fieldValues(report.value.metadata, "Requires-Python") : [];
  const known = asks === undefined ? {} : { requiresPython: asks };
  const judgement = await expectedOf(kit, filename, expect, evidence);
  if (!judgement.ok) {
    const bare = { filename, sha256: named, size, proofs: [], findings: [], waivers: [] };
    const without = said.verdict === "unattested" && judgement.error.code === "EVIDENCE_MISSING";
    const settled = without
      ? { verdict: bare, outcome: said.verdict }
      : refused(bare, judgement.error);
    return ok({ ...known, ...settled });
  }
  const verdict = await verifyRelease({
    artifact: {
      name: filename,
      size,
      sha256: digest.value as Sha256,
      open: () => streamOf(access),
    },
    evidence,
    inspect: () => inspected,
    expect: judgement.value.expect,
    trust,
    now,
    demands: said.demands === "attested" ? (demands ?? "release") : "release",
  });
  return ok({ ...known, ...settle(said, verdict, judgement.value.outcome) });
};

/** What may be said of a file, from the least on. */
const RANKS: readonly KitPackage["verdict"][] = ["unattested", "signed", "verified", "pinned"];

const refused = (
  verdict: ReleaseVerdict,
  error: Failure,
): Pick<KitVerdict, "verdict" | "outcome"> => ({
  verdict: { ...verdict, failure: error },
  outcome: error.code,
});

/** The outcome of a file; less than was said of it is a refusal. */
const settle = (
  said: KitPackage,
  verdict: ReleaseVerdict,
  good: "verified" | "signed",
): Pick<KitVerdict, "verdict" | "outcome"> => {
  if (verdict.failure !== undefined) return refused(verdict, verdict.failure);
  const outcome = verdict.pinned === true ? "pinned" : good;
  const enough = Math.min(RANKS.indexOf(said.verdict), RANKS.indexOf("verified"));
  if (RANKS.indexOf(outcome) >= enough) return { verdict, outcome };
  const message = `${said.filename} is said to be ${said.verdict}, and nobody is expected for it here`;
  return refused(verdict, failure("IDENTITY_MISSING", message));
};
