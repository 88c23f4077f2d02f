import { rfc3339 } from "../formats/rfc3339.ts";
import type { ConsoleOf, Paged } from "./console.ts";
import { type Html, html } from "./html.ts";

/** Where the console is: the paths below are its own. */
export const CONSOLE = "/console/";

/** The parts of a path or query, each made fit for one. */
export const link = (...parts: readonly (string | number)[]): string =>
  `${CONSOLE}${parts.map((part) => encodeURIComponent(part)).join("/")}`;

const AREAS = [
  ["", "Overview"],
  ["packages", "Packages"],
  ["log", "Log"],
  ["signings", "Signings"],
  ["refusals", "Refusals"],
  ["changes", "Changes"],
  ["waivers", "Waivers"],
] as const;

export type Area = (typeof AREAS)[number][0];

export type ConsolePage = {
  readonly of: ConsoleOf;
  readonly area: Area;
  readonly title: string;
  /** One sentence below the title. */
  readonly lead?: string;
  /** Entries that the lists are behind what they are made from; Infinity where nobody counted. */
  readonly behind?: number;
  readonly body: Html;
  /** The event after which the page was made: it hears of all that came since. */
  readonly at?: string;
};

const WHOSE: Record<ConsoleOf, string> = { stack: "local stack", gateway: "gateway" };

/** A page of the console. Nothing in it comes from elsewhere, and no script or style is inline. */
export const consolePage = (page: ConsolePage): string => {
  const { of, title, lead, behind = 0, body, at = "" } = page;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title} · Wheelseal ${WHOSE[of]}</title>
<link rel="stylesheet" href="${CONSOLE}style.css">
<script src="${CONSOLE}live.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div><strong>Wheelseal ${WHOSE[of]}</strong>
<nav aria-label="Console"><ul>${AREAS.map((area) => navItem(area, page.area))}</ul></nav>
<span class="live" data-state="${CONSOLE}live${at === "" ? "" : `?after=${at}`}"></span><span class="live" data-said role="status"></span></div></header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${lead === undefined ? html`` : html`<p class="lead">${lead}</p>`}
<div id="live-main" data-live>
${behind > 0 ? late(behind) : html``}
${body}
</div>
</main>
</body>
</html>
`.html;
};

const late = (behind: number): Html =>
  html`<p class="hint">These lists are ${Number.isFinite(behind) ? `${count(behind)} entries ` : ""}behind and are being brought up to date.</p>`;

const navItem = ([path, name]: readonly [Area, string], current: Area): Html =>
  path === current
    ? html`<li><a href="${CONSOLE}${path}" aria-current="page">${name}</a></li>`
    : html`<li><a href="${CONSOLE}${path}">${name}</a></li>`;

/** `1234567` as `1,234,567`. */
export const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** A time to the second, in UTC. */
export const when = (at: number): Html => {
  const exact = rfc3339(at);
  return html`<time datetime="${exact}">${exact.slice(0, 19).replace("T", " ")}</time>`;
};

export const short = (digest: string): string => `${digest.slice(0, 12)}…`;

/** Nothing to list, and why. */
export const nothing = (text: string): Html => html`<p class="none">${text}</p>`;

/** A table whose rows stand below each other where the page is narrow. */
export const table = (caption: string, heads: readonly string[], rows: readonly Html[]): Html =>
  html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="stack"><thead><tr>${heads.map(head)}</tr></thead><tbody>${rows}</tbody></table></div>`;

const NUMBERS = ["Files", "Verified", "Refused", "Signings", "Entry", "Size"];

const head = (name: string): Html =>
  html`<th scope="col" class="${NUMBERS.includes(name) ? "num" : ""}">${name}</th>`;

/** The way to the next page of a list. */
export const more = (
  { next }: Paged<unknown>,
  path: string,
  query: Readonly<Record<string, string>>,
  name = "before",
): Html => {
  if (next === undefined) return html``;
  const all = new URLSearchParams({ ...query, [name]: String(next) });
  return html`<p class="more"><a href="${path}?${all.toString()}" rel="next">Further entries</a></p>`;
};
