import type { Json } from "../formats/json.ts";
import { type Audit, type AuditFile, concluded } from "./audit.ts";
import type { AuditChange } from "./audit-changes.ts";
import type { Outcome } from "./closure-verdict.ts";

const MAX_FILES = 1_000_000;

const OUTCOMES: Readonly<Record<Outcome, "good" | "failed">> = {
  verified: "good",
  pinned: "good",
  signed: "good",
  unattested: "good",
  refused: "failed",
  unavailable: "failed",
};

const readFailure = (json: Json | undefined): void => {
  for (const name of ["code", "message", "hint"]) json?.field(name).string();
};

const readFile = (json: Json): AuditFile => {
  for (const name of ["name", "version", "filename", "demanded"]) json.field(name).string();
  json.field("sha256").string();
  const outcome = json.field("outcome");
  const what = OUTCOMES[outcome.string() as Outcome] ?? outcome.refuse("is no outcome");
  const failed = json.optional("failure");
  readFailure(failed);
  if ((failed !== undefined) !== (what === "failed")) outcome.refuse("is not what failure says");
  for (const name of ["signedAt", "proofs", "waivers"]) json.field(name).items(MAX_FILES);
  return json.value as AuditFile;
};

const readChange = (json: Json): AuditChange => {
  json.field("kind").string();
  json.field("name").string();
  readFailure(json.optional("failure"));
  return json.value as AuditChange;
};

/** Reads the JSON document of an audit, whose conclusion must be what its parts say. */
export const readAudit = (json: Json): Audit => {
  for (const name of ["lock", "since", "policy"]) json.optional(name)?.field("sha256").string();
  json.field("lock").field("file").string();
  json.field("trust").string();
  const unattested = json.field("unattested");
  if (!["allow", "refuse"].includes(unattested.string())) unattested.refuse("is neither");
  json.field("files").items(MAX_FILES).forEach(readFile);
  json.field("changes").items(MAX_FILES).forEach(readChange);
  for (const item of json.field("unverifiable").items(MAX_FILES)) item.field("name").string();
  const audit = json.value as Audit;
  // An audit that ended early must not pass for a whole one.
  if (concluded(audit).ok !== audit.ok) json.field("ok").refuse("is not what the files say");
  return audit;
};
