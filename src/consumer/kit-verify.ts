import { inspectBytes, streamOf } from "../clients/archive.ts";
import { type Sha256, sha256 } from "../crypto/hash.ts";
import { fieldValues } from "../dists/metadata.ts";
import { equal, fromHex, hex } from "../formats/bytes.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { formatTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import { type ReleaseInput, type ReleaseVerdict, verifyRelease } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import type { Kit } from "./kit-archive.ts";
import { describePackage } from "./kit-export.ts";
import { KIT_PLACES, type KitPackage } from "./kit-manifest.ts";

/** Whom this site trusts and expects: never what the kit says of that. */
export type KitExpectation = {
  readonly expect: Expected;
  readonly trust: TrustedRoot;
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
export type KitVerdict = { readonly verdict: ReleaseVerdict; readonly requiresPython?: string };

/**
 * Verifies every distribution of a kit anew, by the evidence in it, with no network.
 * @returns KIT_MANIFEST where the manifest says of one what its evidence does not
 */
export const verifyKit = async (
  kit: Kit,
  against: KitExpectation,
): Promise<Result<KitVerdict[]>> => {
  const verdicts: KitVerdict[] = [];
  for (const said of kit.manifest.packages) {
    const verdict = await verifyPackage(kit, said.filename, against);
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

const verifyPackage = async (
  kit: Kit,
  filename: string,
  { expect, trust, demands, now }: KitExpectation,
): Promise<Result<KitVerdict>> => {
  const file = kit.files.get(`${KIT_PLACES.packages}${filename}`);
  const digest = fromHex(file?.sha256 ?? "");
  if (file === undefined || !digest.ok) return fail("KIT_MANIFEST", `the kit has no ${filename}`);
  const { access, size } = file;
  const inspected = inspectBytes(filename, access);
  const report = await inspected;
  const verdict = await verifyRelease({
    artifact: {
      name: filename,
      size,
      sha256: digest.value as Sha256,
      open: () => streamOf(access),
    },
    evidence: (name) => readMember(kit, `${KIT_PLACES.packages}${name}`, MAX_EVIDENCE_BYTES),
    inspect: () => inspected,
    expect,
    trust,
    now,
    ...(demands === undefined ? {} : { demands }),
  });
  const [asks] = report.ok ? fieldValues(report.value.metadata, "Requires-Python") : [];
  return ok({ verdict, ...(asks === undefined ? {} : { requiresPython: asks }) });
};
