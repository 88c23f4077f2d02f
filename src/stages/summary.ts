import { sha256 } from "../crypto/hash.ts";
import { parseDistributionFilename } from "../dists/filename.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { describeWaiver, type Expected } from "../verification/policy.ts";
import type { Expectation } from "../verification/verdict.ts";
import type { ReleaseVerdict } from "./release.ts";

export type SummaryInput = {
  /** Who verified: the identity that will sign the summary, as its certificate names it. */
  readonly verifier: string;
  /** The version of this tool. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly verifiedAt: number;
  readonly expect: Expected;
  /** At least one; all of one release. */
  readonly verdicts: readonly ReleaseVerdict[];
};

/** A level of SLSA's build track, and why it is or is not reached. */
export type LevelReason = {
  readonly level: string;
  readonly reached: boolean;
  readonly reason: string;
};

const LEVEL = (number: number): string => `SLSA_BUILD_LEVEL_${number}`;

/**
 * The SLSA build levels (v1.1, "Security levels") that a verification supports. Level 1 is the
 * most that it can: what level 2 asks beyond it is a property of the build platform that no
 * evidence of a job about itself can show.
 */
export const buildLevels = (verdicts: readonly ReleaseVerdict[]): LevelReason[] => {
  const without = verdicts.filter(
    ({ failure, proofs }) =>
      failure !== undefined || !proofs.some((one) => one.kind === "provenance"),
  );
  const provenance =
    without.length === 0 && verdicts.length > 0
      ? "every file has a signed provenance that agrees with the certificate of the job that signed it"
      : `no provenance was verified for ${without.map(({ filename }) => filename).join(", ")}`;
  return [
    { level: LEVEL(1), reached: without.length === 0 && verdicts.length > 0, reason: provenance },
    {
      level: LEVEL(2),
      reached: false,
      reason:
        "the job that built the files also wrote and signed the provenance, not the platform's control plane: " +
        "source, ref, commit, configuration, trigger, runner environment and job were compared with what the platform certified; " +
        "the build type and parameters are the job's own word",
    },
    {
      level: LEVEL(3),
      reached: false,
      reason:
        "the identity token and the signing key are within reach of the build's own steps, and nothing shows that builds are isolated",
    },
  ];
};

const verifiedLevels = (levels: readonly LevelReason[]): string[] => {
  const reached = levels.filter((one) => one.reached).map(({ level }) => level);
  return [reached.at(-1) ?? LEVEL(0)];
};

const stated = (expect: Expectation): unknown =>
  expect.kind === "key"
    ? { kind: "key", keyId: hex(expect.key.keyId) }
    : { kind: "identity", anyOf: expect.anyOf };

/** A policy that has a file is named; what was said on the command line is written out whole. */
const policyOf = (expect: Expected) => {
  if (expect.kind === "policy") return { uri: expect.from, digest: { sha256: expect.sha256 } };
  const document = canonicalJson(stated(expect));
  const text = fromUtf8(document);
  const uri = `data:application/json,${encodeURIComponent(text.ok ? text.value : "")}`;
  return { uri, digest: { sha256: hex(sha256(document)) } };
};

/** The release that a file is of, as a package URL; the file's name where it is of none. */
export const resourceOf = ({ filename }: ReleaseVerdict): string => {
  const parsed = parseDistributionFilename(filename);
  return parsed.ok
    ? `pkg:pypi/${parsed.value.name}@${encodeURIComponent(parsed.value.version)}`
    : `file:${encodeURIComponent(filename)}`;
};

/**
 * The predicate of a SLSA Verification Summary Attestation v1 over the files of one release.
 *
 * Beyond the specification, `wheelseal_levelReasons` says how the level was decided and
 * `wheelseal_waivers` what was accepted by exception; readers may pass over both.
 */
export const summaryPredicate = (input: SummaryInput) => {
  const { verdicts } = input;
  const [first] = verdicts;
  const failed = verdicts.find(({ failure }) => failure !== undefined)?.failure;
  const passed = failed === undefined && verdicts.length > 0;
  const levels = buildLevels(verdicts);
  const waivers = verdicts.flatMap((verdict) => verdict.waivers);
  return {
    verifier: { id: input.verifier, version: { wheelseal: input.version } },
    timeVerified: rfc3339(input.verifiedAt),
    resourceUri: first === undefined ? "" : resourceOf(first),
    policy: policyOf(input.expect),
    inputAttestations: verdicts.flatMap(({ proofs }) =>
      proofs.map(({ file, sha256: digest }) => ({ uri: file, digest: { sha256: digest } })),
    ),
    verificationResult: passed ? "PASSED" : "FAILED",
    verifiedLevels: passed ? verifiedLevels(levels) : ["FAILED"],
    slsaVersion: "1.1",
    wheelseal_levelReasons: levels,
    ...(failed === undefined ? {} : { wheelseal_failure: `${failed.code}: ${failed.message}` }),
    ...(waivers.length === 0
      ? {}
      : { wheelseal_waivers: [...new Set(waivers.map(({ waiver }) => describeWaiver(waiver)))] }),
  };
};
