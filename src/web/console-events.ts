import type {
  EventKind,
  EventRow,
  Paged,
  SignerRow,
  Totals,
  TreeHeadRow,
  WaiverRow,
} from "./console.ts";
import { signerTable } from "./console-log.ts";
import { count, link, more, nothing, table, when } from "./console-shell.ts";
import { type Html, html } from "./html.ts";

const TAGS: Record<EventKind, readonly [string, string]> = {
  accepted: ["tag", "accepted"],
  refused: ["tag bad", "refused"],
  alarm: ["tag bad", "alarm"],
  identity: ["tag bad", "other signer"],
};

const about = ({ project, filename }: EventRow): Html => {
  if (project === "") return html`<code>${filename}</code>`;
  if (filename === "") return html`<a href="${link("packages", project)}">${project}</a>`;
  return html`<a href="${link("packages", project, filename)}"><code>${filename}</code></a>`;
};

const eventRow = (row: EventRow): Html => {
  const [style, text] = TAGS[row.kind];
  const code = row.code === "" ? html`` : html`<strong>${row.code}</strong>: `;
  return html`<tr><td class="when">${when(row.at)}</td><td><span class="${style}">${text}</span></td><td>${about(row)}<span class="why">${code}${row.message}</span></td></tr>`;
};

const eventTable = (caption: string, rows: readonly EventRow[]): Html =>
  table(caption, ["Time", "What", "About"], rows.map(eventRow));

export const eventsBody = (
  list: Paged<EventRow>,
  path: string,
  texts: { readonly caption: string; readonly none: string },
): Html =>
  html`${list.rows.length === 0 ? nothing(texts.none) : eventTable(texts.caption, list.rows)}${more(list, path, {})}`;

const waiverRow =
  (now: number) =>
  (row: WaiverRow): Html => {
    const days = Math.ceil((row.endsAt - now) / 86_400_000);
    const state =
      now >= row.endsAt
        ? html`<span class="tag bad">over</span>`
        : html`<span class="tag none">${count(days)} ${days === 1 ? "day" : "days"} left</span>`;
    return html`<tr><td><a href="${link("packages", row.package)}">${row.package}</a> <code>${row.version}</code></td><td data-name="Waives">${row.waives.join(", ")}</td><td>${state}</td><td data-name="Until"><code>${row.expires}</code></td><td>${row.reason}<span class="why">${row.owner} answers for it</span></td></tr>`;
  };

/** The waivers of the policy, those that end first before the others. */
export const waiversBody = (rows: readonly WaiverRow[], now: number, policy: string): Html => {
  const sorted = rows.toSorted((a, b) => a.endsAt - b.endsAt);
  return html`<p>Policy: <code>${policy}</code></p>${
    sorted.length === 0
      ? nothing("It waives nothing.")
      : table("Waivers", ["Package", "Waives", "State", "Until", "Why"], sorted.map(waiverRow(now)))
  }`;
};

export type OverviewView = {
  readonly totals: Totals;
  readonly bad: readonly EventRow[];
  readonly latest: readonly EventRow[];
  readonly signers: readonly SignerRow[];
  readonly heads: readonly TreeHeadRow[];
};

const number = (name: string, value: number, bad = false): Html =>
  html`<div class="${bad && value > 0 ? "bad" : ""}"><dt>${name}</dt><dd>${count(value)}</dd></div>`;

/** The first page: what is wrong, then how much there is, then what happened last. */
export const overviewBody = ({ totals, bad, latest, signers, heads }: OverviewView): Html => {
  const unchecked = totals.files - totals.verified - totals.refused;
  const [head] = heads;
  return html`<dl class="numbers">${number("packages", totals.packages)}${number("files", totals.files)}${number("verified", totals.verified)}${number("refused", totals.refused, true)}${unchecked > 0 ? number("not checked yet", unchecked) : html``}${number("alarms", totals.alarms, true)}${number("signings", totals.signings)}${head === undefined ? html`` : number("log entries", head.size)}</dl>
${bad.length === 0 ? nothing("Nothing was refused, and no publisher changed.") : html`<section class="panel bad"><h2>Refusals and alarms</h2>${eventTable("Refusals and alarms", bad)}<p class="more"><a href="${link("refusals")}">All refusals</a> <a href="${link("changes")}">All changes</a></p></section>`}
${latest.length === 0 ? html`` : html`<h2>Accepted last</h2>${eventTable("Accepted last", latest)}`}
${signers.length === 0 ? html`` : html`<h2>Who signed last</h2>${signerTable(signers)}`}`;
};
