import { hex, utf8 } from "./bytes.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { fail, type Result } from "./result.ts";

/** What a statement is about (in-toto ResourceDescriptor). */
export type Subject = {
  readonly name: string | undefined;
  /** Lower-case hexadecimal by algorithm, for example `sha256`. */
  readonly digest: Readonly<Record<string, string>>;
};

/** An in-toto statement (in-toto attestation framework, Statement v1 and v0.1). */
export type Statement = {
  readonly subjects: readonly Subject[];
  /** URI, compared byte for byte. */
  readonly predicateType: string;
  /** As parsed JSON; `null` where there is none. */
  readonly predicate: unknown;
};

const TYPE_V1 = "https://in-toto.io/Statement/v1";
const TYPES: readonly string[] = [TYPE_V1, "https://in-toto.io/Statement/v0.1"];

const MAX_STATEMENT_BYTES = 16 * 1024 * 1024;
const MAX_SUBJECTS = 1024;
const MAX_DIGESTS = 16;
const HEX = /^(?:[0-9a-f]{2})+$/;

const readDigest = (json: Json): string => {
  const text = json.string();
  return HEX.test(text) ? text : json.refuse("is not lower-case hexadecimal");
};

const readSubject = (json: Json): Subject => ({
  name: json.optional("name")?.string(),
  digest: Object.fromEntries(
    json
      .field("digest")
      .members(MAX_DIGESTS)
      .map(([algorithm, value]) => [algorithm, readDigest(value)]),
  ),
});

const readStatement = (json: Json): Statement => {
  const type = json.field("_type");
  if (!TYPES.includes(type.string())) type.refuse("is not an in-toto statement v1 or v0.1");
  const subjects = json.field("subject");
  const list = subjects.items(MAX_SUBJECTS).map(readSubject);
  if (list.length === 0) subjects.refuse("is empty");
  return {
    subjects: list,
    predicateType: json.field("predicateType").string(),
    predicate: json.optional("predicate")?.value ?? null,
  };
};

/**
 * Parses the payload of an envelope. At least one subject; digests in lower-case hexadecimal.
 * Unknown fields beside the standard ones are allowed, as in-toto asks of readers.
 *
 * @returns `STATEMENT_FORMAT`, also for malformed JSON
 */
export const parseStatement = (payload: Uint8Array): Result<Statement> => {
  const value = parseJson(payload, MAX_STATEMENT_BYTES, "statement");
  if (!value.ok) return fail("STATEMENT_FORMAT", value.error.message);
  return readJson(value.value, "STATEMENT_FORMAT", "statement", readStatement);
};

/** An in-toto statement v1 about files with these SHA-256 digests: UTF-8 JSON on one line. */
export const formatStatement = (
  subjects: readonly { readonly name: string; readonly sha256: Uint8Array }[],
  predicateType: string,
  predicate: unknown,
): Uint8Array =>
  utf8(
    JSON.stringify({
      _type: TYPE_V1,
      subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256: hex(sha256) } })),
      predicateType,
      predicate,
    }),
  );
