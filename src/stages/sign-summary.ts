import type { Sha256 } from "../crypto/hash.ts";
import { formatBundle, parseBundle } from "../formats/bundle.ts";
import { fromHex } from "../formats/bytes.ts";
import { PREDICATE } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { formatStatement } from "../formats/statement.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { verify } from "../verification/verify.ts";
import { type BundleSigner, signStatement } from "./sign-bundle.ts";
import { resourceOf, type SummaryInput, summaryPredicate } from "./summary.ts";

export type SignSummaryInput = Omit<SummaryInput, "verifier"> & {
  readonly trust: TrustedRoot;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/**
 * Signs what a verification came to: a SLSA Verification Summary Attestation over all its files,
 * logged, as the bytes of a Sigstore bundle. It is verified for every file before it is given out.
 *
 * @returns `DIST_EMPTY` where nothing was verified, `CONFIG` for files of several releases,
 * `SIGN_SELF_CHECK`, and as the services do
 */
export const signSummary = async (
  input: SignSummaryInput,
  signer: BundleSigner,
): Promise<Result<Uint8Array>> => {
  if (input.verdicts.length === 0) return fail("DIST_EMPTY", "no file was verified");
  if (new Set(input.verdicts.map(resourceOf)).size > 1) {
    return fail("CONFIG", "a summary is about one release, and the files are of several");
  }
  const subjects = input.verdicts.map(({ filename, sha256 }) => ({
    name: filename,
    sha256: digestOf(sha256),
  }));
  const predicate = summaryPredicate({ ...input, verifier: signer.signing.job.san });
  const statement = formatStatement(subjects, PREDICATE.summary, predicate);
  const signed = await signStatement(statement, signer);
  if (!signed.ok) return signed;
  const bytes = formatBundle(signed.value);
  const bundle = parseBundle(bytes);
  if (!bundle.ok) return fail("SIGN_SELF_CHECK", bundle.error.message);
  for (const artifact of subjects) {
    const verdict = await verify({
      artifact,
      bundle: bundle.value,
      trust: input.trust,
      expect: signer.signing.expect,
      now: input.now(),
      predicateTypes: [PREDICATE.summary],
    });
    if (verdict.verified) continue;
    const { code, message } = verdict.failure;
    return fail("SIGN_SELF_CHECK", `${code}: ${message}`);
  }
  return ok(bytes);
};

const digestOf = (text: string): Sha256 => {
  const bytes = fromHex(text);
  if (!bytes.ok) throw new TypeError("a verdict's digest is not hexadecimal");
  return bytes.value as Sha256;
};
