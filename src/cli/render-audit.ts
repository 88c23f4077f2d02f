import { type Audit, type AuditFile, unitOf } from "../consumer/audit.ts";
import type { AuditChange } from "../consumer/audit-changes.ts";
import { type SarifFinding, sarifDocument } from "../consumer/sarif.ts";
import { failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { OUTCOME_COLOURS } from "./render-closure.ts";
import { escapeXml, waiverLines } from "./render-release.ts";
import { paint, type Terminal } from "./terminal.ts";

const publisherOf = ({ publisher, outcome, signer }: AuditFile): string => {
  if (publisher !== undefined) {
    const { repository, email, identity } = publisher.fields;
    return `${publisher.kind} ${repository ?? email ?? identity ?? ""}`;
  }
  if (outcome === "pinned") return "pinned by the policy";
  return signer === undefined ? "-" : signer.identity;
};

const DAY = "YYYY-MM-DD".length;

/** Files of a package that are alike, as one line. */
type Row = readonly [
  outcome: string,
  unit: string,
  publisher: string,
  signed: string,
  files: string,
];

const HEAD: Row = ["outcome", "package", "publisher", "signed", "files"];

const rowsOf = (files: readonly AuditFile[]): Row[] => {
  const rows = new Map<string, { row: readonly string[]; count: number }>();
  for (const file of files) {
    const signed = file.signedAt[0]?.slice(0, DAY) ?? "-";
    const row = [file.outcome, unitOf(file), publisherOf(file), signed];
    const key = JSON.stringify(row);
    rows.set(key, { row, count: (rows.get(key)?.count ?? 0) + 1 });
  }
  return [...rows.values()].map(({ row, count }) => [...row, String(count)] as unknown as Row);
};

const table = (terminal: Terminal, files: readonly AuditFile[]): void => {
  const rows = [HEAD, ...rowsOf(files)].map((row) => row.map(visible));
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  for (const [at, row] of rows.entries()) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const [outcome = "", ...rest] = cells;
    const colour = OUTCOME_COLOURS[outcome.trim() as AuditFile["outcome"]];
    const mark = at === 0 ? paint(terminal, "bold", outcome) : paint(terminal, colour, outcome);
    terminal.out([mark, ...rest].join("  ").trimEnd());
  }
};

const describeChange = ({ kind, name, from, to, filename }: AuditChange): string => {
  switch (kind) {
    case "added":
      return `${name} ${to} was added`;
    case "removed":
      return `${name} ${from} was removed`;
    case "upgraded":
    case "downgraded":
      return `${name} was ${kind} from ${from} to ${to}`;
    case "replaced":
      return `${filename} was replaced: ${from} became ${to}`;
    case "file-added":
      return `${name} has a new file in an old release: ${filename ?? to}`;
    case "publisher-new":
      return `${name} is signed now: ${to}`;
    case "publisher-changed":
      return `${name} has another publisher: ${from} before, ${to} now`;
    case "publisher-lost":
      return `${name} is signed no more: ${from} before`;
    case "publisher-unknown":
      return `${name} has publishers that were not compared: ${from} cannot be verified any more`;
    default:
      return kind satisfies never;
  }
};

/** Counts by outcome, in words. */
const summary = ({ files, unverifiable }: Audit): string => {
  const counts = Map.groupBy(files, ({ outcome }) => outcome);
  const parts = [...counts].map(([outcome, some]) => `${some.length} ${outcome}`);
  if (unverifiable.length > 0) parts.push(`${unverifiable.length} sources that are no files`);
  return `${files.length} ${files.length === 1 ? "file" : "files"}: ${parts.join(", ")}`;
};

/** The audit for a person: who published what, what is wrong, what changed, how many of each. */
export const showAudit = (terminal: Terminal, audit: Audit): void => {
  table(terminal, audit.files);
  const notes: string[] = [];
  for (const file of audit.files) {
    if (file.failure !== undefined) {
      const { code, message } = file.failure;
      notes.push(paint(terminal, "red", `${code}  ${visible(message)}`));
    }
    if (file.yanked !== undefined) {
      notes.push(visible(`yanked  ${file.filename}: ${file.yanked}`));
    }
    for (const line of waiverLines(file)) notes.push(paint(terminal, "yellow", visible(line)));
  }
  for (const { name, kind } of audit.unverifiable) {
    notes.push(`${name} is a source (${kind}) that nothing vouches for`);
  }
  if (notes.length > 0) terminal.out(`\n${notes.join("\n")}`);
  if (audit.since !== undefined) {
    terminal.out(`\nsince ${visible(audit.since.file)}:`);
    if (audit.changes.length === 0) terminal.out("  nothing changed");
    for (const change of audit.changes) {
      const line = `  ${visible(describeChange(change))}`;
      terminal.out(change.failure === undefined ? line : paint(terminal, "red", line));
    }
  }
  terminal.out(`\n${summary(audit)}`);
};

/** The same failure as a finding, at the lock, which is what a person can change. */
export const auditSarif = (audit: Audit): string => {
  const uri = encodeURI(audit.lock.file);
  const files = audit.files.flatMap((file): SarifFinding[] => {
    const { failure: failed, name: project, sha256, outcome, filename } = file;
    const bare =
      outcome === "unattested"
        ? failure("LOCK_UNATTESTED", `nobody vouches for ${filename}`)
        : undefined;
    const found = failed ?? bare;
    if (found === undefined) return [];
    const noted = audit.unattested === "refuse" ? ("error" as const) : ("note" as const);
    const level = failed === undefined ? noted : "error";
    return [{ code: found.code, level, message: found.message, uri, project, sha256 }];
  });
  const changes = audit.changes.flatMap(({ failure: failed, name: project }): SarifFinding[] =>
    failed === undefined
      ? []
      : [{ code: failed.code, level: "error", message: failed.message, uri, project }],
  );
  return sarifDocument("wheelseal audit", [...files, ...changes]);
};

type Case = { readonly name: string; readonly body: string };

const failed = (code: string, message: string, hint: string): string =>
  `<failure type="${code}" message="${escapeXml(message)}">${escapeXml(`${message}\n${hint}`)}</failure>`;

const caseOf = (audit: Audit, file: AuditFile): Case => {
  const name = file.filename;
  if (file.failure !== undefined) {
    const { code, message, hint } = file.failure;
    return { name, body: failed(code, message, hint) };
  }
  if (file.outcome !== "unattested") return { name, body: "" };
  const { code, message, hint } = failure("LOCK_UNATTESTED", `nobody vouches for ${name}`);
  return audit.unattested === "refuse"
    ? { name, body: failed(code, message, hint) }
    : { name, body: `<skipped message="${escapeXml(message)}"/>` };
};

const suite = (name: string, cases: readonly Case[]): string => {
  const count = (what: string) => cases.filter(({ body }) => body.startsWith(what)).length;
  return [
    `  <testsuite name="${escapeXml(name)}" tests="${cases.length}" failures="${count("<failure")}" skipped="${count("<skipped")}">`,
    ...cases.map(
      (one) =>
        `    <testcase classname="${escapeXml(name)}" name="${escapeXml(one.name)}">${one.body}</testcase>`,
    ),
    "  </testsuite>",
  ].join("\n");
};

/** A JUnit report: one suite a package, one case a file, and one suite of what changed. */
export const auditJunit = (audit: Audit): string => {
  const packages = Map.groupBy(audit.files, unitOf);
  const suites = [...packages].map(([unit, files]) =>
    suite(
      unit,
      files.map((file) => caseOf(audit, file)),
    ),
  );
  const changes = audit.changes.map((change): Case => {
    const { failure: found } = change;
    const body = found === undefined ? "" : failed(found.code, found.message, found.hint);
    return { name: describeChange(change), body };
  });
  const all = changes.length === 0 ? suites : [...suites, suite("changes", changes)];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="wheelseal audit">\n${all.join("\n")}\n</testsuites>\n`;
};
