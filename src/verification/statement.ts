import { sameFilename } from "../dists/filename.ts";
import type { Artifact } from "../formats/artifact.ts";
import type { Envelope } from "../formats/bundle.ts";
import { hex } from "../formats/bytes.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "../formats/dsse.ts";
import { PREDICATE } from "../formats/evidence.ts";
import { parseStatement, type Statement } from "../formats/statement.ts";
import { type Finding, passed, refused, refusedAs } from "./finding.ts";

/**
 * Reads the statement in an envelope and checks its kind.
 *
 * @param accepted - predicate types; any where absent, none where empty
 * @returns `DSSE_PAYLOAD_TYPE`, `STATEMENT_FORMAT`, `STATEMENT_PREDICATE`
 */
export const checkStatement = (
  { payloadType, payload }: Envelope,
  accepted: readonly string[] | undefined,
): Finding<Statement> => {
  if (payloadType !== IN_TOTO_PAYLOAD_TYPE) {
    return refused("statement", "DSSE_PAYLOAD_TYPE", `the payload is ${payloadType}`, {
      expected: IN_TOTO_PAYLOAD_TYPE,
      actual: payloadType,
    });
  }
  const statement = parseStatement(payload);
  if (!statement.ok) return refusedAs("statement", statement);
  const { predicateType, subjects, predicate } = statement.value;
  const expected = accepted?.join(" or ") ?? "any predicate type";
  const compared = { expected, actual: predicateType };
  if (accepted !== undefined && !accepted.includes(predicateType)) {
    return refused(
      "statement",
      "STATEMENT_PREDICATE",
      `the statement is ${predicateType}`,
      compared,
    );
  }
  if (predicateType === PREDICATE.publish && !isEmptyPredicate(predicate)) {
    const message = "a publish attestation has a predicate with content";
    return refused("statement", "STATEMENT_PREDICATE", message);
  }
  if (predicateType === PREDICATE.publish && subjects.length !== 1) {
    const message = `a publish attestation has ${subjects.length} subjects instead of one`;
    return refused("statement", "STATEMENT_SUBJECT", message);
  }
  return passed("statement", statement.value, `an in-toto statement, ${predicateType}`, compared);
};

/** PEP 740: the publish predicate is null, or an empty object. */
const isEmptyPredicate = (predicate: unknown): boolean =>
  predicate === null ||
  (typeof predicate === "object" &&
    !Array.isArray(predicate) &&
    Object.keys(predicate).length === 0);

/** Distribution names are compared after parsing, all others as text. */
const isNamed = (name: string | undefined, filename: string): boolean =>
  name !== undefined && (name === filename || sameFilename(name, filename));

/**
 * Compares the statement's subjects with the artifact: one must have its digest and, where the
 * artifact's name is known, its name; a right digest under another name is another file's.
 *
 * @returns `release` where the name was compared too; `STATEMENT_SUBJECT`
 */
export const checkSubject = (
  { subjects }: Statement,
  { sha256, name }: Artifact,
): Finding<"release" | "bytes-only"> => {
  const digest = hex(sha256);
  const same = subjects.filter((subject) => subject.digest.sha256 === digest);
  const found = (same.length > 0 ? same : subjects)
    .slice(0, 3)
    .map((subject) => `${subject.name ?? "no name"} ${subject.digest.sha256 ?? "no SHA-256"}`)
    .join(", ");
  const compared = { expected: `${name ?? "any name"} ${digest}`, actual: found };
  if (same.length === 0) {
    return refused("subject", "STATEMENT_SUBJECT", "no subject has the file's digest", compared);
  }
  if (name === undefined) {
    return passed("subject", "bytes-only", "a subject has the file's digest", compared);
  }
  return same.some((subject) => isNamed(subject.name, name))
    ? passed("subject", "release", "a subject has the file's name and digest", compared)
    : refused(
        "subject",
        "STATEMENT_SUBJECT",
        "the file's digest stands under another name",
        compared,
      );
};
