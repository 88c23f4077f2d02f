import { rfc3339 } from "../formats/rfc3339.ts";
import type {
  Consistency,
  DayCount,
  EntryView,
  FileRow,
  GrowthPoint,
  Paged,
  SignerRow,
  SigningRow,
  TreeHeadRow,
} from "./console.ts";
import { dayChart, growthChart } from "./console-charts.ts";
import { digestLink, filesWith } from "./console-packages.ts";
import { count, link, more, nothing, table, when } from "./console-shell.ts";
import { type Html, html } from "./html.ts";
import { proofPicture } from "./proof-picture.ts";
import { refusal } from "./report-card.ts";

/** What was looked for, and what there is. */
export type Found = {
  readonly query: string;
  /** Why nothing could be looked for; absent where it could. */
  readonly refused?: string;
  readonly signings: Paged<SigningRow>;
  readonly files: readonly FileRow[];
  readonly signers: readonly SignerRow[];
};

export type LogView = {
  readonly heads: readonly TreeHeadRow[];
  readonly growth: readonly GrowthPoint[] | undefined;
  readonly found: Found;
  readonly consistency: Consistency | undefined;
  /** Whether entries have pages of their own here. */
  readonly own: boolean;
};

const entryLink = (row: { readonly entry: number }, own: boolean): Html =>
  own
    ? html`<a href="${link("log", row.entry)}">${count(row.entry)}</a>`
    : html`<a href="${link("log")}?q=${row.entry}">${count(row.entry)}</a>`;

const signingRow =
  (own: boolean) =>
  (row: SigningRow): Html =>
    html`<tr><td class="num" data-name="Entry">${entryLink(row, own)}</td><td>${row.kind}</td><td data-name="Signed by"><code>${row.identity}</code></td><td data-name="Digest">${digestLink(row.sha256)}</td><td class="when">${when(row.at)}</td></tr>`;

const signingTable = (rows: readonly SigningRow[], own: boolean): Html =>
  table("Log entries", ["Entry", "Kind", "Signed by", "Digest", "Time"], rows.map(signingRow(own)));

const search = (query: string): Html =>
  html`<form class="find" action="${link("log")}" method="get" role="search"><label class="grow">SHA-256 digest, identity or index<input name="q" value="${query}" maxlength="2048" autocomplete="off" spellcheck="false"></label><button>Search</button></form>`;

const results = ({ query, refused, signings, files, signers }: Found, own: boolean): Html => {
  if (refused !== undefined) return nothing(refused);
  if (query === "") {
    return html`<h2>Latest entries</h2>${signings.rows.length === 0 ? nothing("There are no entries yet.") : signingTable(signings.rows, own)}${more(signings, link("log"), {})}`;
  }
  const none = signings.rows.length + files.length + signers.length === 0;
  return html`<h2>Found for <code>${query}</code></h2>${none ? nothing("Nothing.") : html``}
${signers.length === 0 ? html`` : signerTable(signers)}
${signings.rows.length === 0 ? html`` : signingTable(signings.rows, own)}${more(signings, link("log"), { q: query })}${filesWith(files)}`;
};

const headRow = ({ name, size, root }: TreeHeadRow): Html =>
  html`<tr><td>${name}</td><td class="num" data-name="Size">${count(size)}</td><td data-name="Root"><code>${root}</code></td></tr>`;

export const logBody = (view: LogView): Html => {
  const { heads, growth, found, consistency, own } = view;
  const [head] = heads;
  return html`${search(found.query)}${results(found, own)}
${growth === undefined ? html`` : html`<h2>Growth</h2>${growthChart("growth", growth)}`}
${heads.length === 0 ? html`` : html`<h2>Signed heads</h2>${table("Signed heads", ["Tree", "Size", "Root"], heads.map(headRow))}`}
${head === undefined ? html`` : consistencyPart(head.size, consistency)}`;
};

const consistencyPart = (size: number, shown: Consistency | undefined): Html =>
  html`<h2 id="consistency">Consistency</h2><p class="lead">Whether the tree of one size is the beginning of that of another: no entry was changed or taken out between them.</p>
<form class="find" action="${link("log")}#consistency" method="get"><label>First size<input type="number" name="first" min="1" max="${size}" value="${shown?.first ?? Math.max(1, Math.floor(size / 2))}" required></label><label>Second size<input type="number" name="second" min="1" max="${size}" value="${shown?.second ?? size}" required></label><button>Prove</button></form>
${shown === undefined ? html`` : proofOf(shown)}`;

const proofOf = (shown: Consistency): Html => {
  const { first, second, firstRoot, secondRoot, hashes, failure } = shown;
  const result =
    failure === undefined
      ? html`<p><span class="tag">consistent</span> The ${hashes.length} hashes of the proof lead from the root of size ${count(first)} and give that of size ${count(second)}: computed for this page.</p>`
      : refusal(failure);
  return html`<div class="panel">${result}<dl class="plain"><dt>Root of size ${count(first)}</dt><dd><code>${firstRoot}</code></dd><dt>Root of size ${count(second)}</dt><dd><code>${secondRoot}</code></dd></dl>
<details><summary>The proof</summary><ol>${hashes.map((hash) => html`<li><code>${hash}</code></li>`)}</ol></details></div>`;
};

/** One entry of the log, with its way to the signed root. */
export const entryBody = (view: EntryView): Html => {
  const { index, at, kind, signers, body, hashes, origin } = view;
  const picture = proofPicture({
    leafIndex: String(index),
    treeSize: String(view.treeSize),
    leafHash: view.leafHash,
    rootHash: view.rootHash,
    hashes,
    origin,
  });
  return html`<dl class="plain"><dt>Kind</dt><dd>${kind}</dd><dt>Time</dt><dd>${when(at)}</dd><dt>${kind.startsWith("hashedrekord") ? "Digest" : "Digest of the payload"}</dt><dd><a href="${link("log")}?q=${view.sha256}"><code>${view.sha256}</code></a></dd><dt>Leaf hash</dt><dd><code>${view.leafHash}</code></dd></dl>
<h2>Signed by</h2>${signers.map(signer)}
<h2>In the log</h2><figure>${picture}<figcaption>${view.included ? html`<span class="tag">included</span> The ${hashes.length} hashes lead from the entry to the root of size ${count(view.treeSize)}: computed for this page.` : html`<span class="tag bad">not included</span> The proof does not lead to the root: this log is damaged.`}</figcaption></figure>
<details><summary>The entry as it is hashed</summary><pre>${body}</pre></details>
<p>${index > 0 ? html`<a href="${link("log", index - 1)}" rel="prev">Entry ${count(index - 1)}</a> ` : html``}${index + 1 < view.treeSize ? html`<a href="${link("log", index + 1)}" rel="next">Entry ${count(index + 1)}</a>` : html``}</p>`;
};

const CLAIMS: readonly (readonly [string, string])[] = [
  ["12", "Project"],
  ["13", "Commit"],
  ["14", "Ref"],
  ["21", "Job"],
  ["11", "Runner"],
];

const signer = ({ identity, issuer, claims }: EntryView["signers"][number]): Html => {
  const shown = CLAIMS.filter(([number]) => (claims[number] ?? "") !== "");
  return html`<dl class="plain"><dt>Identity</dt><dd><a href="${link("log")}?q=${encodeURIComponent(identity)}"><code>${identity}</code></a></dd>${issuer === "" ? html`` : html`<dt>Issuer</dt><dd><code>${issuer}</code></dd>`}${shown.map(([number, name]) => html`<dt>${name}</dt><dd><code>${claims[number]}</code></dd>`)}</dl>`;
};

const signerRow = (row: SignerRow): Html =>
  html`<tr><td><a href="${link("signings", row.id)}"><code>${row.identity}</code></a>${row.issuer === "" ? html`` : html`<span class="why">${row.issuer}</span>`}</td><td class="num" data-name="Signings">${count(row.signings)}</td><td class="when" data-name="First">${when(row.firstAt)}</td><td class="when" data-name="Last">${when(row.lastAt)}</td></tr>`;

export const signerTable = (rows: readonly SignerRow[]): Html =>
  table("Signers", ["Identity", "Signings", "First", "Last"], rows.map(signerRow));

/** Days that a chart shows. */
export const CHART_DAYS = 60;

const recent = (today: number) => ({ from: today - CHART_DAYS + 1, to: today });

export const signingsBody = (
  list: Paged<SignerRow>,
  days: readonly DayCount[],
  today: number,
): Html =>
  html`${dayChart("all", "Signings a day", days, recent(today))}<h2>By identity</h2>
${list.rows.length === 0 ? nothing("Nobody has signed anything yet.") : signerTable(list.rows)}${more(list, link("signings"), {})}`;

export const signerBody = (
  row: SignerRow,
  list: Paged<SigningRow>,
  days: readonly DayCount[],
  { today, own }: { readonly today: number; readonly own: boolean },
): Html =>
  html`<dl class="plain"><dt>Identity</dt><dd><code>${row.identity}</code></dd>${row.issuer === "" ? html`` : html`<dt>Issuer</dt><dd><code>${row.issuer}</code></dd>`}<dt>Signings</dt><dd>${count(row.signings)}, first at ${rfc3339(row.firstAt)}</dd></dl>
${dayChart("signer", "Signings a day", days, recent(today))}${signingTable(list.rows, own)}${more(list, link("signings", row.id), {})}`;
