import { parseAttestations } from "../formats/attestation.ts";
import { parseStatement } from "../formats/statement.ts";

/**
 * Whether an upload's `attestations` field is a JSON array of PEP 740 attestations about this
 * file. The form and the subject are looked at, signatures never: that is for who installs.
 * @returns the reason for a refusal
 */
export const refuseAttestations = (
  text: string,
  fileName: string,
  sha256: string,
): string | undefined => {
  const attestations = parseAttestations(text);
  if (!attestations.ok) return attestations.error.message;
  if (attestations.value.length === 0) return "attestations is empty";
  for (const { statement } of attestations.value) {
    const parsed = parseStatement(statement);
    if (!parsed.ok) return parsed.error.message;
    const [subject, ...more] = parsed.value.subjects;
    const about = subject?.name === fileName && subject.digest.sha256 === sha256;
    if (!about || more.length > 0) return "an attestation is about another file";
  }
  return undefined;
};
