import type { StageName } from "../stages/events.ts";
import { type Html, html, raw } from "./html.ts";
import type { PipelineReport } from "./report.ts";
import { fileCard, refusal } from "./report-card.ts";
import { REPORT_STYLE } from "./report-style.ts";
import type { TimelineStage } from "./timeline.ts";

/** What lets the page verify again what is dropped on it. */
export type ReportPanel = {
  /** The script: ours, as the bundler made it. */
  readonly script: string;
  /** A trusted_root.json and a policy file, as objects of one JSON document. */
  readonly given: string;
  /** Lower-case hexadecimal digest of the trust root, to be compared by people. */
  readonly trustSha256: string;
};

/** SHA-256 of text, as base64: for the page's content security policy. */
export type Sha256Base64 = (text: string) => string;

const TITLES: Record<StageName, string> = {
  build: "1 Build",
  sign: "2 Sign",
  verify: "3 Verify",
  publish: "4 Publish",
  "publish-signatures": "5 Publish signatures",
  consume: "6 Consume",
};

/**
 * The report as one HTML file: no network, everything in it, and no script but that of the panel.
 * Values that came from packages, certificates and services are escaped.
 */
export const reportPage = (
  report: PipelineReport,
  sha256Base64: Sha256Base64,
  panel?: ReportPanel,
): string => {
  const script = panel === undefined ? "" : ` script-src 'sha256-${sha256Base64(panel.script)}';`;
  const policy = `default-src 'none'; style-src 'sha256-${sha256Base64(REPORT_STYLE)}';${script} base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${titleOf(report)}</title>
<style>${raw(REPORT_STYLE)}</style>
</head>
<body>
<main>
${banner(report)}
<h2>The six stages</h2>
${timeline(report.timeline)}
${report.files.length === 0 ? html`` : html`<h2>The files</h2>`}
${failuresFirst(report).map((file) => fileCard(file, report))}
${panel === undefined ? html`` : panelSection(panel, report)}
${footer(report)}
</main>
</body>
</html>
`;
  return page.html;
};

const releaseName = ({ record }: PipelineReport): string =>
  record === undefined ? "The release" : `${record.name} ${record.version}`;

const titleOf = (report: PipelineReport): string =>
  `${releaseName(report)}: ${report.ok ? "verified" : "refused"}`;

const banner = (report: PipelineReport): Html => {
  const imported =
    report.imported.length === 0 ? "" : `, installed and imported (${report.imported.join(", ")})`;
  const said = report.ok
    ? html`<p>Built, signed, verified, published, fetched as an outsider would and verified again${imported}.</p>`
    : html``;
  return html`<div class="banner ${report.ok ? "good" : "bad"}">
<h1>${releaseName(report)} <span class="tag ${report.ok ? "" : "bad"}">${report.ok ? "verified" : "refused"}</span></h1>
${said}${report.error === undefined ? html`` : refusal(report.error)}
<p class="took">Expected: <code>${report.expected}</code><br>Trust: <code>${report.trust}</code></p>
</div>`;
};

const took = (stage: TimelineStage): number =>
  stage.startedAt === undefined || stage.endedAt === undefined
    ? 0
    : stage.endedAt - stage.startedAt;

const timeline = (stages: readonly TimelineStage[]): Html => {
  const longest = Math.max(1, ...stages.map(took));
  return html`<ol class="timeline">${stages.map((stage) => stageItem(stage, longest))}</ol>`;
};

const stageItem = (stage: TimelineStage, longest: number): Html => {
  const time = stage.endedAt === undefined ? stage.state : `${(took(stage) / 1000).toFixed(1)} s`;
  const said = stage.failure?.code ?? stage.summary ?? "";
  return html`<li class="${stage.state}"><b>${TITLES[stage.stage]}</b><span class="took">${time}</span><p>${said}</p>
<svg viewBox="0 0 100 6" width="100%" height="6" preserveAspectRatio="none" aria-hidden="true"><rect class="node" x="0" y="1" width="100" height="4"/><rect class="path" x="0" y="1" width="${Math.round((100 * took(stage)) / longest)}" height="4"/></svg></li>`;
};

const failuresFirst = ({ files }: PipelineReport): PipelineReport["files"] => [
  ...files.filter(({ failure }) => failure !== undefined),
  ...files.filter(({ failure }) => failure === undefined),
];

/** JSON in a script element: what could end the element is written as an escape. */
const jsonInPage = (json: string): Html => raw(json.replaceAll("<", "\\u003c"));

/** Hidden until its script runs, since it is nothing without it. */
const panelSection = (
  panel: ReportPanel,
  { expected }: PipelineReport,
): Html => html`<section id="again" class="again" aria-labelledby="again-title" hidden>
<h2 id="again-title">Verify again, here</h2>
<p>Drop a wheel or an sdist anywhere on this page, with the evidence that was published beside it, or choose the files. They are verified in this browser, by the same code, and sent nowhere.</p>
<p class="choose"><label for="again-files">Distribution and evidence</label> <input id="again-files" type="file" multiple> <button id="again-clear" type="button">Start anew</button></p>
<p class="took">Expected: <code>${expected}</code>. Trusted: the root in this page, SHA-256 <code>${panel.trustSha256}</code>. Whoever made this page chose both: compare the digest with that of <code>wheelseal trust show</code>, or with one that you were given elsewhere.</p>
<p id="again-status" role="status"></p>
<div id="again-result"></div>
<script type="application/json" id="again-given">${jsonInPage(panel.given)}</script>
</section>
<script>${raw(panel.script)}</script>`;

const footer = (report: PipelineReport): Html =>
  html`<footer><p>Written at ${report.writtenAt} by wheelseal ${report.tool.version}. A page proves nothing by itself: anyone can verify the files again with
<code>wheelseal verify</code> and the evidence beside them. What the provenance says of build tools and parameters is the builder's word; identity, project, ref and commit are the certificate's.</p></footer>`;
