import type { InclusionProof, TlogEntry } from "../formats/bundle.ts";
import { hex } from "../formats/bytes.ts";
import { leafHash } from "../formats/merkle.ts";
import { OID } from "../formats/oids.ts";
import { type Failure, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { Statement } from "../formats/statement.ts";
import type { LogKey } from "../formats/trusted-root.ts";
import { buildPath } from "./chain.ts";
import { checkCheckpoint } from "./checkpoint.ts";
import { absent, type Finding, passed, refused, refusedAs } from "./finding.ts";
import { checkIdentity } from "./identity.ts";
import { checkMaterial, type Material } from "./material.ts";
import { checkScts } from "./sct.ts";
import { checkSignature } from "./signature.ts";
import { signerOf } from "./signer.ts";
import { checkStatement, checkSubject } from "./statement.ts";
import { checkTimes } from "./time.ts";
import { checkTimestamp, type VerifiedTime } from "./timestamp.ts";
import { checkInclusion, checkLog, checkLogBody, checkPromise } from "./tlog.ts";
import { checkUsage } from "./usage.ts";
import type { Check, Inclusion, LoggedAt, Signer, Verdict, VerificationInput } from "./verdict.ts";

type Proven = Omit<Extract<Verdict, { verified: true }>, "verified" | "checks">;

/** Hands a finding's result on, and keeps its line for the report. */
type Note = <T>(finding: Finding<T>) => Result<T>;

/** An entry with the trusted log that it is of. */
type KnownEntry = { readonly entry: TlogEntry; readonly log: LogKey };

type EntryProof = KnownEntry & { readonly time: VerifiedTime | undefined };

const proveEntry = async (
  entry: TlogEntry,
  material: Material,
  input: VerificationInput,
  note: Note,
): Promise<Result<EntryProof>> => {
  const log = note(checkLog(entry, input.trust.tlogs));
  if (!log.ok) return log;
  const body = note(checkLogBody(entry, material.logged));
  if (!body.ok) return body;
  const time = note(await checkPromise(entry, log.value));
  if (!time.ok) return time;
  const included = note(checkInclusion(entry));
  if (!included.ok) return included;
  const signed = note(await checkCheckpoint(entry, log.value, input.witnesses));
  return signed.ok ? ok({ entry, log: log.value, time: time.value }) : signed;
};

const proveEntries = async (
  material: Material,
  input: VerificationInput,
  note: Note,
): Promise<Result<EntryProof[]>> => {
  const proofs: EntryProof[] = [];
  for (const entry of input.bundle.entries) {
    const proof = await proveEntry(entry, material, input, note);
    if (!proof.ok) return proof;
    proofs.push(proof.value);
  }
  const threshold = input.tlogThreshold ?? 1;
  // A log that is asked twice vouches no more than once, so logs are counted, by their keys.
  const distinct = new Set(proofs.map(({ log }) => hex(log.publicKey.keyId))).size;
  if (distinct >= threshold) return ok(proofs);
  const compared = { expected: String(threshold), actual: String(distinct) };
  return note(
    distinct === 0
      ? refused("log-entry", "TLOG_MISSING", "the evidence has no log entry", compared)
      : refused(
          "log-entry",
          "TLOG_THRESHOLD",
          `the entries are of only ${distinct} logs`,
          compared,
        ),
  );
};

const proveTimes = async (
  material: Material,
  proofs: readonly EntryProof[],
  input: VerificationInput,
  note: Note,
): Promise<Result<readonly number[]>> => {
  const times = proofs.map(({ time }) => time).filter((time) => time !== undefined);
  for (const token of input.bundle.timestamps) {
    const authorities = input.trust.timestampAuthorities;
    const time = note(await checkTimestamp(token, material.signature, authorities));
    if (!time.ok) return time;
    times.push(time.value);
  }
  if (input.bundle.timestamps.length === 0) {
    note(absent("timestamp", undefined, "the evidence has no timestamp"));
  }
  return note(checkTimes(material.certificate, times, proofs, input.now));
};

const proveCertificate = async (
  material: Material,
  times: readonly number[],
  input: VerificationInput,
  note: Note,
): Promise<Result<Signer>> => {
  const { certificate: leaf, key, intermediates } = material;
  if (leaf === undefined || input.expect.kind === "key") {
    for (const name of ["chain", "usage", "sct"] as const) {
      note(absent(name, undefined, "a managed key has no certificate"));
    }
    const keyId = hex(key.keyId);
    const compared = { expected: keyId, actual: keyId };
    return note(passed("identity", { kind: "key", keyId }, "the key is the given one", compared));
  }
  const { certificateAuthorities: authorities, ctlogs } = input.trust;
  const purpose = OID.codeSigning;
  const path = await buildPath({ leaf, intermediates, authorities, times, purpose }, "CERT_CHAIN");
  if (!path.ok) return note(refusedAs("chain", path));
  const { certificates, issuer, authority } = path.value;
  const by = authority.uri || "a trusted authority";
  note(passed("chain", undefined, `${certificates.length} certificates lead to ${by}`));
  const usage = note(checkUsage(leaf));
  if (!usage.ok) return usage;
  const logged = note(await checkScts(leaf, issuer, input.detachedSct, ctlogs));
  if (!logged.ok) return logged;
  const signer = signerOf(leaf);
  if (!signer.ok) return note(refusedAs("identity", signer));
  return note(checkIdentity(input.expect.anyOf, signer.value));
};

type Bound = { readonly binding: Proven["binding"]; readonly statement: Statement | undefined };

const proveContent = (input: VerificationInput, note: Note): Result<Bound> => {
  const { content } = input.bundle;
  if (content.kind === "message-signature") {
    if (input.predicateTypes !== undefined) {
      const message = "a statement was asked for, and the bundle holds a bare signature";
      return note(refused("statement", "STATEMENT_PREDICATE", message));
    }
    note(absent("statement", undefined, "a bare signature makes no statement"));
    note(absent("subject", undefined, "a bare signature is over bytes, whatever their name"));
    return ok({ binding: "bytes-only", statement: undefined });
  }
  const statement = note(checkStatement(content.envelope, input.predicateTypes));
  if (!statement.ok) return statement;
  const binding = note(checkSubject(statement.value, input.artifact));
  return binding.ok ? ok({ binding: binding.value, statement: statement.value }) : binding;
};

const loggedAt = ({ entry, time }: EntryProof): LoggedAt => ({
  logIndex: String(entry.logIndex),
  logId: hex(entry.logId),
  ...(time === undefined ? {} : { integratedTime: rfc3339(time.at) }),
  ...(entry.inclusionProof && {
    inclusion: inclusionOf(entry.canonicalizedBody, entry.inclusionProof),
  }),
});

const inclusionOf = (body: Uint8Array, proof: InclusionProof): Inclusion => ({
  leafIndex: String(proof.logIndex),
  treeSize: String(proof.treeSize),
  leafHash: hex(leafHash(body)),
  rootHash: hex(proof.rootHash),
  hashes: proof.hashes.map(hex),
  ...(proof.checkpoint === undefined ? {} : { checkpoint: proof.checkpoint }),
});

const prove = async (input: VerificationInput, note: Note): Promise<Result<Proven>> => {
  const material = note(await checkMaterial(input));
  if (!material.ok) return material;
  const entries = await proveEntries(material.value, input, note);
  if (!entries.ok) return entries;
  const times = await proveTimes(material.value, entries.value, input, note);
  if (!times.ok) return times;
  const signer = await proveCertificate(material.value, times.value, input, note);
  if (!signer.ok) return signer;
  const content = proveContent(input, note);
  if (!content.ok) return content;
  const signature = note(await checkSignature(input.artifact, material.value));
  if (!signature.ok) return signature;
  const { binding, statement } = content.value;
  return ok({
    binding,
    signer: signer.value,
    times: times.value.map(rfc3339),
    logged: entries.value.map(loggedAt),
    ...(statement && {
      predicateType: statement.predicateType,
      predicate: statement.predicate,
    }),
  });
};

/** A bug, or a file that cannot be read: the words of the exception, and never a verified verdict. */
const internal = (error: unknown): Failure => {
  let words = "unknown";
  try {
    // What was thrown is not ours either: its words may be no text, or throw again.
    if (error instanceof Error) words = String(error.message);
  } catch {}
  return failure("INTERNAL", `the verifier failed: ${words}`);
};

/**
 * Verifies evidence about an artifact: the one path to "verified". Every check of
 * {@link CHECKS} is made in that order, and every log entry and timestamp must be good, not only
 * as many as are needed. The first check that fails decides, and is the last in the report.
 *
 * Never throws: an exception inside, also one of `artifact.open`, gives a verdict that is not
 * verified, with code `INTERNAL`.
 */
export const verify = async (input: VerificationInput): Promise<Verdict> => {
  const checks: Check[] = [];
  const note: Note = ({ check, result }) => {
    checks.push(check);
    return result;
  };
  try {
    const proven = await prove(input, note);
    return proven.ok
      ? { verified: true, ...proven.value, checks }
      : { verified: false, failure: proven.error, checks };
  } catch (error) {
    return { verified: false, failure: internal(error), checks };
  }
};
