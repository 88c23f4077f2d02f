import type { Files } from "../clients/files.ts";
import type { GenericPackage } from "../clients/generic.ts";
import { equal } from "../formats/bytes.ts";
import { evidenceNames, MAX_EVIDENCE_BYTES, requiredEvidence } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Report } from "./events.ts";

export type PublishSignaturesInput = {
  /** Where the evidence files lie, beside their distributions. */
  readonly folder: string;
  /** The distributions whose evidence is published. */
  readonly filenames: readonly string[];
  /** Names of evidence files that a waiver excuses for being absent. */
  readonly excused?: readonly string[];
};

export type PublishSignaturesClients = {
  readonly files: Files;
  /** The release's package in the generic registry. */
  readonly registry: GenericPackage;
  /**
   * Whether what is served already vouches for a distribution, whole. Such evidence is kept and
   * not replaced: an index may have taken its attestations, which cannot be, with the first.
   */
  readonly vouched?: (filename: string) => Promise<boolean>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: Report;
};

type PublishedEvidence = {
  readonly filename: string;
  /**
   * `replaced`: a file of that name with other content was served before. `kept`: such a file is,
   * and stays, since it vouches for the same distribution.
   */
  readonly outcome: "uploaded" | "present" | "replaced" | "kept";
};

export type PublishSignaturesOutcome = { readonly files: readonly PublishedEvidence[] };

/**
 * Stage 5: puts every evidence file beside the release, reads each back and compares the bytes.
 * One after the other, as GitLab asks for files of one package. Safe to run again: what is served
 * already is not sent again.
 *
 * Fails with DIST_EMPTY, EVIDENCE_MISSING before anything is sent, UPLOAD_READBACK, and as the
 * clients do.
 */
export const publishSignatures = async (
  input: PublishSignaturesInput,
  clients: PublishSignaturesClients,
): Promise<Result<PublishSignaturesOutcome>> => {
  const { report, now } = clients;
  report({ kind: "started", stage: "publish-signatures", at: now() });
  const outcome = await publishAll(input, clients);
  if (!outcome.ok) {
    report({ kind: "failed", stage: "publish-signatures", at: now(), failure: outcome.error });
    return outcome;
  }
  const { files } = outcome.value;
  const there = ["present", "kept"];
  const present = files.filter((file) => there.includes(file.outcome)).length;
  const summary = `${files.length - present} uploaded and read back, ${present} already there`;
  report({ kind: "finished", stage: "publish-signatures", at: now(), summary });
  return outcome;
};

type Evidence = { readonly filename: string; readonly content: Uint8Array };

const publishAll = async (
  input: PublishSignaturesInput,
  clients: PublishSignaturesClients,
): Promise<Result<PublishSignaturesOutcome>> => {
  if (input.filenames.length === 0) return fail("DIST_EMPTY", "no distribution was named");
  const sets: (readonly Evidence[])[] = [];
  for (const filename of input.filenames) {
    const found = await readEvidence(input, filename, clients.files);
    if (!found.ok) return found;
    sets.push(found.value);
  }
  const files: PublishedEvidence[] = [];
  for (const [i, set] of sets.entries()) {
    const published = await publishSet(set, input.filenames[i] ?? "", clients);
    if (!published.ok) return published;
    files.push(...published.value);
  }
  return ok({ files });
};

/** One file of the evidence, and what is served under its name before anything is sent. */
type Served = Evidence & { readonly before: Uint8Array | undefined };

const isOther = ({ content, before }: Served): boolean =>
  before !== undefined && !equal(before, content);

const publishSet = async (
  set: readonly Evidence[],
  distribution: string,
  clients: PublishSignaturesClients,
): Promise<Result<PublishedEvidence[]>> => {
  const served: Served[] = [];
  for (const one of set) {
    const before = await clients.registry.get(one.filename, MAX_EVIDENCE_BYTES);
    if (!before.ok) return before;
    served.push({ ...one, before: before.value });
  }
  // To ask takes a whole verification: only where other evidence would be replaced.
  const kept = served.some(isOther) && (await clients.vouched?.(distribution)) === true;
  const files: PublishedEvidence[] = [];
  for (const one of served) {
    const published = await publishOne(one, kept, clients);
    if (!published.ok) return published;
    files.push(published.value);
  }
  return ok(files);
};

const readEvidence = async (
  { folder, excused = [] }: PublishSignaturesInput,
  filename: string,
  files: Files,
): Promise<Result<Evidence[]>> => {
  const found: Evidence[] = [];
  const names = requiredEvidence(filename);
  for (const name of [...names, evidenceNames(filename).sbomAttestation]) {
    const content = await files.readIfPresent(`${folder}/${name}`, MAX_EVIDENCE_BYTES);
    if (!content.ok) return content;
    if (content.value !== undefined) found.push({ filename: name, content: content.value });
    else if (names.includes(name) && !excused.includes(name))
      return fail("EVIDENCE_MISSING", `${folder} has no ${name}`);
  }
  return ok(found);
};

const publishOne = async (
  { filename, content, before }: Served,
  kept: boolean,
  { registry, report, now }: PublishSignaturesClients,
): Promise<Result<PublishedEvidence>> => {
  const tell = (outcome: PublishedEvidence["outcome"]): Result<PublishedEvidence> => {
    const message = `${filename}: ${outcome === "present" ? "already there" : outcome}`;
    report({ kind: "progress", stage: "publish-signatures", at: now(), message });
    return ok({ filename, outcome });
  };
  if (before !== undefined && equal(before, content)) return tell("present");
  if (before !== undefined && kept) return tell("kept");
  const put = await registry.put(filename, content);
  if (!put.ok) return put;
  const after = await registry.get(filename, MAX_EVIDENCE_BYTES);
  if (!after.ok) return after;
  if (after.value === undefined || !equal(after.value, content)) {
    const what = after.value === undefined ? "does not serve" : "serves other bytes for";
    return fail("UPLOAD_READBACK", `${registry.shownUrl} ${what} ${filename}`);
  }
  return tell(before === undefined ? "uploaded" : "replaced");
};
