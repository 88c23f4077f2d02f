import { PREDICATE } from "../formats/evidence.ts";
import { type Json, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseRfc3339 } from "../formats/rfc3339.ts";
import type { Verdict } from "./verdict.ts";

/** What a verifier says of the files that it verified (SLSA Verification Summary v1). */
export type Summary = {
  /** URI of the verifier: here, the identity that signed. */
  readonly verifier: string;
  /** Milliseconds since 1970. */
  readonly verifiedAt: number;
  readonly resourceUri: string;
  readonly policyUri: string;
  /** At least one, for example `SLSA_BUILD_LEVEL_1`. */
  readonly levels: readonly string[];
};

const MAX_LEVELS = 64;

const read = (json: Json): Summary & { readonly result: string } => {
  const time = json.field("timeVerified");
  const levels = json.field("verifiedLevels");
  const named = levels.items(MAX_LEVELS).map((level) => level.string());
  if (named.length === 0) levels.refuse("is empty");
  return {
    verifier: json.field("verifier").field("id").string(),
    verifiedAt: parseRfc3339(time.string()) ?? time.refuse("is not an RFC 3339 time"),
    resourceUri: json.field("resourceUri").string(),
    policyUri: json.field("policy").field("uri").string(),
    levels: named,
    result: json.field("verificationResult").string(),
  };
};

/**
 * Reads a verification summary, which is good only where the verifier names itself as the
 * certificate does and says PASSED: a summary of a failed verification is a valid statement too.
 *
 * @param verdict - of a summary that {@link verify} has accepted
 * @returns `STATEMENT_PREDICATE` for another statement, `STATEMENT_FORMAT`, `ATTESTATION_CLAIMS`
 * for a verifier who is not the signer, `SUMMARY_FAILED`
 */
export const readSummary = (verdict: Verdict & { verified: true }): Result<Summary> => {
  const { signer, predicateType, predicate } = verdict;
  if (predicateType !== PREDICATE.summary) {
    return fail("STATEMENT_PREDICATE", "the statement is not a verification summary");
  }
  const summary = readJson(predicate, "STATEMENT_FORMAT", "predicate", read);
  if (!summary.ok) return summary;
  const { result, ...said } = summary.value;
  if (signer.kind === "certificate" && signer.san !== said.verifier) {
    const message = `the summary names ${said.verifier} as verifier; ${signer.san} signed it`;
    return fail("ATTESTATION_CLAIMS", message);
  }
  return result === "PASSED"
    ? ok(said)
    : fail("SUMMARY_FAILED", `${said.verifier} says ${result} of ${said.resourceUri}`);
};
