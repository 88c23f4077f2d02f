import { rekorAt } from "../clients/rekor.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { type GivenEvidence, verifySingle } from "../stages/single.ts";
import type { Verdict } from "../verification/verdict.ts";
import type { WitnessDemand } from "../verification/witness.ts";
import { parseWitnesses } from "../verification/witness-demand.ts";
import {
  type Expected,
  expectationOf,
  type FileInput,
  publicGoodRoot,
  readArtifact,
  readEvidence,
  systemOutside,
} from "./input.ts";

/**
 * What speaks for a file: a Sigstore bundle (v0.1 to v0.3) or the JSON of `cosign sign-blob
 * --bundle`; a PEP 740 attestation or provenance object; or a detached signature as cosign 2
 * writes it, with its certificate unless a managed key signed.
 */
export type FileEvidence =
  | { readonly bundle: FileInput }
  | { readonly attestation: FileInput }
  | { readonly signature: FileInput; readonly certificate?: FileInput };

/** How to verify a file, beside whom to expect. */
export type VerifyFileOptions = Expected & {
  /** Whom to trust; {@link publicGoodRoot} where absent. */
  readonly trust?: TrustedRoot;
  /** The file's name, where it is given as bytes or has another name than it was signed under. */
  readonly name?: string;
  /** Predicate types that a statement may have; any where absent. */
  readonly predicateTypes?: readonly string[];
  /** Distinct log entries that must verify; 1 where absent. */
  readonly tlogThreshold?: number;
  /** Keys of witnesses that must vouch for every checkpoint: `NAME+HINT+KEY` (C2SP signed-note). */
  readonly witnesses?: readonly string[];
  /** How many of them; all where absent. */
  readonly witnessThreshold?: number;
  /** Rekor, to ask for the entry of a detached signature. Nothing else uses the network. */
  readonly rekorUrl?: string;
  /** Milliseconds since 1970; the system's clock where absent. */
  readonly now?: number;
};

/**
 * The verdicts over each piece of evidence that was given: at least one, and verified only where
 * every one of them is. `failure` is the first that is not.
 */
export type FileVerdict =
  | { readonly verified: true; readonly verdicts: readonly (Verdict & { verified: true })[] }
  | {
      readonly verified: false;
      readonly failure: Failure;
      readonly verdicts: readonly Verdict[];
    };

/**
 * Verifies a file against evidence that was named for it, by the same path as the command line.
 * Never throws: whatever cannot be read, parsed or verified is a verdict that is not verified.
 *
 * The verdicts' `binding` says whether the file's name is proven too (`release`) or its bytes only.
 *
 * @param file - path, `file:` URL, or content
 * @returns any code of verification, of the formats, `FILE_UNREADABLE`, and with `rekorUrl` those
 * of the network
 */
export const verifyFile = async (
  file: FileInput,
  evidence: FileEvidence,
  options: VerifyFileOptions,
): Promise<FileVerdict> => {
  try {
    const verdicts = await judge(file, evidence, options);
    return verdicts.ok ? summed(verdicts.value) : refused(verdicts.error, []);
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown";
    return refused(failure("INTERNAL", `the verifier failed: ${why}`), []);
  }
};

const refused = (error: Failure, verdicts: readonly Verdict[]): FileVerdict => ({
  verified: false,
  failure: error,
  verdicts,
});

const isVerified = (verdict: Verdict): verdict is Verdict & { verified: true } => verdict.verified;

const summed = (verdicts: readonly Verdict[]): FileVerdict => {
  const bad = verdicts.find((verdict) => !verdict.verified);
  if (bad?.verified === false) return refused(bad.failure, verdicts);
  const good = verdicts.filter(isVerified);
  return good.length === 0
    ? refused(failure("EVIDENCE_MISSING", "no evidence was given"), verdicts)
    : { verified: true, verdicts: good };
};

const judge = async (
  file: FileInput,
  evidence: FileEvidence,
  options: VerifyFileOptions,
): Promise<Result<Verdict[]>> => {
  const given = await read(evidence);
  if (!given.ok) return given;
  const artifact = await readArtifact(file, options.name);
  if (!artifact.ok) return artifact;
  const { rekorUrl, predicateTypes, tlogThreshold } = options;
  const witnesses = witnessDemand(options);
  if (!witnesses.ok) return witnesses;
  const outside = systemOutside();
  return verifySingle({
    artifact: artifact.value,
    evidence: given.value,
    expect: expectationOf(options),
    trust: options.trust ?? publicGoodRoot(),
    now: options.now ?? outside.now(),
    witnesses: witnesses.value,
    ...(predicateTypes === undefined ? {} : { predicateTypes }),
    ...(tlogThreshold === undefined ? {} : { tlogThreshold }),
    ...(rekorUrl === undefined ? {} : { rekor: rekorAt(rekorUrl, outside) }),
  });
};

const witnessDemand = ({
  witnesses = [],
  witnessThreshold,
}: VerifyFileOptions): Result<WitnessDemand> => {
  const keys = parseWitnesses(witnesses);
  if (!keys.ok) return keys;
  const threshold = witnessThreshold ?? keys.value.length;
  return Number.isSafeInteger(threshold) && threshold >= 0
    ? ok({ witnesses: keys.value, threshold })
    : fail("CONFIG", "witnessThreshold is not a number of witnesses");
};

const read = async (evidence: FileEvidence): Promise<Result<GivenEvidence>> => {
  if ("signature" in evidence) {
    const signature = await readEvidence(evidence.signature);
    if (!signature.ok) return signature;
    if (evidence.certificate === undefined) {
      return ok({ kind: "detached", signature: signature.value, certificate: undefined });
    }
    const certificate = await readEvidence(evidence.certificate);
    if (!certificate.ok) return certificate;
    return ok({ kind: "detached", signature: signature.value, certificate: certificate.value });
  }
  const kind = "bundle" in evidence ? "bundle" : "attestation";
  const bytes = await readEvidence("bundle" in evidence ? evidence.bundle : evidence.attestation);
  return bytes.ok ? ok({ kind, bytes: bytes.value }) : bytes;
};
