import { parseJson, readJson } from "../formats/json.ts";

const MAX_SIZE = 1024 * 1024;
const MAX_ATTESTATIONS = 8;

/**
 * Whether an upload's `attestations` field is a JSON array of PEP 740 attestations about this
 * file. The form and the subject are looked at, signatures never: that is for who installs.
 * @returns the reason for a refusal
 */
export const checkAttestations = (
  text: string,
  fileName: string,
  sha256: string,
): string | undefined => {
  const parsed = parseJson(text, MAX_SIZE, "attestations");
  if (!parsed.ok) return parsed.error.message;
  const read = readJson(parsed.value, "ATTESTATION_FORMAT", "attestations", (json) => {
    const items = json.items(MAX_ATTESTATIONS);
    if (items.length === 0) return json.refuse("is empty");
    return items.map((item) => {
      if (item.field("version").integer() !== 1) item.refuse("is not of version 1");
      item.field("verification_material").field("certificate").base64();
      item.field("verification_material").field("transparency_entries").items(8);
      item.field("envelope").field("signature").base64();
      return item.field("envelope").field("statement").base64();
    });
  });
  if (!read.ok) return read.error.message;
  return read.value.map((statement) => subjectRefusal(statement, fileName, sha256)).find(Boolean);
};

const subjectRefusal = (
  statement: Uint8Array,
  fileName: string,
  sha256: string,
): string | undefined => {
  const parsed = parseJson(statement, MAX_SIZE, "statement");
  if (!parsed.ok) return parsed.error.message;
  const read = readJson(parsed.value, "STATEMENT_FORMAT", "statement", (json) => {
    const [subject, ...more] = json.field("subject").items(8);
    if (subject === undefined || more.length > 0) return json.refuse("has not one subject");
    return {
      name: subject.field("name").string(),
      digest: subject.field("digest").field("sha256").string(),
    };
  });
  if (!read.ok) return read.error.message;
  const { name, digest } = read.value;
  return name === fileName && digest === sha256
    ? undefined
    : "an attestation is about another file";
};
