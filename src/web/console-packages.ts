import { type Code, HINTS } from "../formats/errors.ts";
import type {
  FileRow,
  FileState,
  FileView,
  KeptCard,
  KeptProof,
  PackageRow,
  Paged,
} from "./console.ts";
import { count, link, more, nothing, short, table, when } from "./console-shell.ts";
import { type Html, html } from "./html.ts";
import { fileCard, refusal } from "./report-card.ts";

const TAGS: Record<FileState, readonly [string, string]> = {
  verified: ["tag", "verified"],
  refused: ["tag bad", "refused"],
  unchecked: ["tag none", "not checked yet"],
};

const stateTag = (state: FileState): Html => {
  const [style, text] = TAGS[state];
  return html`<span class="${style}">${text}</span>`;
};

const signed = (identity: string): Html =>
  identity === "" ? html`<span class="none">nobody known</span>` : html`<code>${identity}</code>`;

const packageRow = (row: PackageRow): Html => {
  const unchecked = row.files - row.verified - row.refused;
  const state =
    row.refused > 0
      ? html`<span class="tag bad">${count(row.refused)} refused</span>`
      : unchecked > 0
        ? html`<span class="tag none">${count(unchecked)} not checked yet</span>`
        : stateTag("verified");
  return html`<tr><td><a href="${link("packages", row.project)}">${row.project}</a></td><td data-name="Latest"><code>${row.lastVersion}</code></td><td class="num" data-name="Files">${count(row.files)}</td><td>${state}</td><td class="when">${when(row.lastAt)}</td></tr>`;
};

const HEADS = ["Package", "Latest", "Files", "State", "Last change"];

/** The packages, those with refused files first. */
export const packagesBody = (
  list: Paged<PackageRow>,
  refused: Paged<PackageRow>,
  prefix: string,
): Html => {
  const query = prefix === "" ? {} : { q: prefix };
  const bad =
    refused.rows.length === 0
      ? html``
      : html`<section class="panel bad"><h2>With refused files</h2>${table("Packages with refused files", HEADS, refused.rows.map(packageRow))}${refused.next === undefined ? html`` : html`<p>There are more.</p>`}</section>`;
  const all =
    list.rows.length === 0
      ? nothing(prefix === "" ? "There are no packages yet." : `No package begins with ${prefix}.`)
      : table("Packages", HEADS, list.rows.map(packageRow));
  return html`<form class="find" action="${link("packages")}" method="get" role="search"><label class="grow">Name begins with<input name="q" value="${prefix}" maxlength="128" autocomplete="off"></label><button>Find</button></form>
${bad}${all}${more(list, link("packages"), query, "after")}`;
};

/** Newest first, failures before all others of the page. */
const failuresFirst = (rows: readonly FileRow[]): readonly FileRow[] => [
  ...rows.filter(({ state }) => state === "refused"),
  ...rows.filter(({ state }) => state !== "refused"),
];

const fileRow = (row: FileRow): Html =>
  html`<tr><td><a href="${link("packages", row.project, row.filename)}"><code>${row.filename}</code></a>${row.state === "refused" ? html`<span class="why">${row.code}: ${row.message}</span>` : html``}</td><td data-name="Version"><code>${row.version}</code></td><td>${stateTag(row.state)}</td><td data-name="Signed by">${signed(row.identity)}</td><td class="when">${when(row.at)}</td></tr>`;

/** The files of a package. */
export const packageBody = (
  row: PackageRow,
  list: Paged<FileRow>,
  publisher: string | undefined,
): Html =>
  html`<dl class="numbers"><div><dt>files</dt><dd>${count(row.files)}</dd></div><div><dt>verified</dt><dd>${count(row.verified)}</dd></div><div class="${row.refused > 0 ? "bad" : ""}"><dt>refused</dt><dd>${count(row.refused)}</dd></div></dl>
${publisher === undefined ? html`` : html`<p>Publisher that is expected: <code>${publisher}</code></p>`}
${table("Files", ["File", "Version", "State", "Signed by", "Time"], failuresFirst(list.rows).map(fileRow))}${more(list, link("packages", row.project), {})}`;

/** One file: what it says of itself, and the card of its verification. */
export const fileBody = (view: FileView): Html => {
  const { row, size, verdict, kept } = view;
  return html`<p><a href="${link("packages", row.project)}">${row.project}</a> <code>${row.version}</code> ${stateTag(row.state)}</p>
${view.summary === "" ? html`` : html`<p>${view.summary}</p>`}
<dl class="plain"><dt>SHA-256</dt><dd><code>${row.sha256}</code> <a href="${link("log")}?q=${row.sha256}">in the log</a></dd>${fact("Size", size === undefined ? "" : `${count(size)} bytes`)}${fact("Requires Python", view.requiresPython)}${fact("License", view.license)}<dt>Since</dt><dd>${when(row.at)}</dd></dl>
${verdict === undefined ? html`` : fileCard(verdict, {})}
${verdict === undefined ? stated(row, kept) : html``}`;
};

const fact = (name: string, value: string): Html =>
  value === "" ? html`` : html`<dt>${name}</dt><dd><code>${value}</code></dd>`;

/** A verdict that is remembered, not made for this page. */
const stated = (row: FileRow, kept: KeptCard | undefined): Html => {
  const failed =
    row.state === "refused"
      ? refusal({ code: row.code, message: row.message, hint: hintOf(row.code) })
      : html``;
  if (row.state === "unchecked")
    return nothing("It is being verified; nothing is known of it yet.");
  const proofs = kept?.proofs ?? [];
  return html`<article class="file" aria-label="${row.filename}"><header><h2><code>${row.filename}</code></h2>${stateTag(row.state)}</header>${failed}
${kept === undefined ? html`` : html`<p class="took">As it was decided at ${when(kept.at)}</p>`}${proofs.map(proofCard)}</article>`;
};

const hintOf = (code: string): string => (Object.hasOwn(HINTS, code) ? HINTS[code as Code] : "");

const proofCard = (proof: KeptProof): Html => {
  const { claims } = proof;
  const state =
    proof.code === ""
      ? html`<span class="tag">good</span>`
      : html`<span class="tag bad">${proof.code}</span>`;
  return html`<h3>${proof.kind} ${state}</h3><div class="facts"><section><h4>Who</h4><dl>${fact("identity", proof.identity)}${fact("issuer", proof.issuer)}${fact("project", claims["12"] ?? "")}</dl></section><section><h4>How</h4><dl>${fact("commit", claims["13"] ?? "")}${fact("ref", claims["14"] ?? "")}${fact("job", claims["21"] ?? "")}</dl></section><section><h4>When</h4><dl>${proof.times.map((time) => fact("proven at", time))}${proof.entries.map((entry) => fact("log entry", entry))}</dl></section></div>`;
};

/** Files that have this digest, wherever they are. */
export const filesWith = (rows: readonly FileRow[]): Html =>
  rows.length === 0
    ? html``
    : html`<h2>Files with this digest</h2>${table("Files with this digest", ["File", "Version", "State", "Signed by", "Time"], rows.map(fileRow))}`;

/** A digest, to where it is explained. */
export const digestLink = (sha256: string): Html =>
  html`<a href="${link("log")}?q=${sha256}"><code class="short">${short(sha256)}</code></a>`;
