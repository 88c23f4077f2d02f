import type { Proof, ReleaseVerdict, WaiverNote } from "../stages/release.ts";
import type { Check, LoggedAt, Signer, Verdict } from "../verification/verdict.ts";
import { type Html, html } from "./html.ts";
import { proofPicture } from "./proof-picture.ts";
import type { PipelineReport } from "./report.ts";

type Verified = Verdict & { readonly verified: true };

/** What is known beside the verdict, where anything is. */
type Context = Pick<PipelineReport, "record"> & {
  /** Nothing proves the file's name: the card says so instead of calling it verified. */
  readonly bytesOnly?: boolean;
};

const fact = (name: string, value: string | undefined): Html =>
  value === undefined || value === ""
    ? html``
    : html`<dt>${name}</dt><dd><code>${value}</code></dd>`;

const cardTag = ({ failure }: ReleaseVerdict, { bytesOnly }: Context): Html => {
  if (failure !== undefined) return html`<span class="tag bad">refused</span>`;
  return bytesOnly === true
    ? html`<span class="tag none">bytes only, the name is not proven</span>`
    : html`<span class="tag">verified</span>`;
};

/** The card of one file: the verdict, who, how, when, the proof, and every check. */
export const fileCard = (file: ReleaseVerdict, context: Context): Html => {
  const { filename, sha256, size, failure, findings, proofs } = file;
  const best = proofs.map(({ verdict }) => verdict).find((verdict) => verdict.verified);
  return html`<article class="file" aria-label="${filename}">
<header><h3><code>${filename}</code></h3>${cardTag(file, context)}</header>
<p class="took"><code>sha256:${sha256}</code>, ${size} bytes</p>
${failure === undefined ? html`` : refusal(failure)}
${waiversOf(file)}
${best?.verified === true ? facts(best, proofs, context) : html``}
${findings.map((finding) => html`<p>Note: <code>${finding.path}</code> ${finding.detail}</p>`)}
${proofs.map(proofDetails)}
</article>`;
};

/** Where evidence is missing by leave of the policy: by whose leave, and until when. */
const waiversOf = ({ pinned, waivers }: ReleaseVerdict): Html => {
  const pin =
    pinned === true
      ? html`<p class="waiver"><span class="tag none">pinned</span> Accepted by its digest, which the policy names: nobody's signature was asked for.</p>`
      : html``;
  return html`${pin}${waivers.map(waiverNote)}`;
};

const waiverNote = ({ waiver, over, excused }: WaiverNote): Html => {
  const used = excused.length === 0 ? "not needed" : `excuses ${excused.join(", ")}`;
  const tag = over
    ? html`<span class="tag bad">over</span>`
    : html`<span class="tag none">${used}</span>`;
  return html`<p class="waiver">${tag} Waiver of ${waiver.waives.join(" and ")} by ${waiver.owner} until ${waiver.expires}: ${waiver.reason}</p>`;
};

/** A failure with what to do about it. */
export const refusal = (failure: { code: string; message: string; hint: string }): Html =>
  html`<div class="hint" role="alert"><p><strong>${failure.code}</strong>: ${failure.message}</p><p>${failure.hint}</p></div>`;

const facts = (verdict: Verified, proofs: readonly Proof[], context: Context): Html =>
  html`<div class="facts">${who(verdict.signer)}${how(verdict.signer, context)}${when(verdict)}${proven(proofs)}</div>`;

const who = (signer: Signer): Html => {
  if (signer.kind === "key") {
    return html`<section><h4>Who</h4><dl>${fact("key", signer.keyId)}</dl></section>`;
  }
  const { san, issuer, claims } = signer;
  return html`<section><h4>Who</h4><dl>${fact("identity", san)}${fact("issuer", issuer)}${fact("project", claims["12"])}</dl></section>`;
};

/** The local issuer names a commit of zeros where there is none. */
const commitOf = (commit: string | undefined): string | undefined =>
  commit !== undefined && /^0+$/.test(commit) ? "none, a local run" : commit;

const how = (signer: Signer, { record }: Context): Html => {
  const claims = signer.kind === "certificate" ? signer.claims : {};
  const tools = record?.resolved.map(({ name, version }) => `${name} ${version}`).join(", ");
  const python = record && `${record.python.implementation} ${record.python.version}`;
  return html`<section><h4>How</h4><dl>${fact("commit", commitOf(record?.source.commit ?? claims["13"]))}${fact("ref", claims["14"])}${fact("job", claims["21"])}${fact("runner", claims["11"])}${fact("backend", record?.backend.name)}${fact("python", python)}${fact("tools", tools)}</dl></section>`;
};

const when = (verdict: Verified): Html => {
  const times = [...new Set(verdict.times)];
  return html`<section><h4>When</h4><dl>${times.map((time) => fact("proven at", time))}${verdict.logged.map(entryFact)}</dl></section>`;
};

const entryFact = ({ logIndex, logId, integratedTime }: LoggedAt): Html =>
  html`${fact("log entry", logIndex)}${fact("log", logId)}${fact("logged at", integratedTime)}`;

const proven = (proofs: readonly Proof[]): Html => {
  const rows = proofs.map(({ kind, verdict }) => {
    const state = verdict.verified
      ? html`<span class="tag">good</span>`
      : html`<span class="tag bad">refused</span>`;
    return html`<dt>${kind}</dt><dd>${state}</dd>`;
  });
  return html`<section><h4>Proof</h4><dl>${rows}</dl></section>`;
};

const proofDetails = ({ kind, file, verdict }: Proof): Html => {
  const open = verdict.verified ? html`` : html` open`;
  const passed = verdict.checks.filter(({ status }) => status === "passed").length;
  return html`<details${open}><summary>${kind}: ${passed} checks passed, <code>${file}</code></summary>
${verdict.verified ? verdict.logged.map(pictureOf) : html``}
<div class="scroll"><table><thead><tr><th scope="col">Check</th><th scope="col">What was found</th><th scope="col">Expected</th><th scope="col">Actual</th></tr></thead><tbody>${verdict.checks.map(checkRow)}</tbody></table></div></details>`;
};

const pictureOf = ({ inclusion }: LoggedAt): Html => {
  if (inclusion === undefined) return html``;
  const origin = inclusion.checkpoint?.split("\n", 1)[0] ?? "the log";
  return html`<figure>${proofPicture({ ...inclusion, origin })}<figcaption>From the entry to the root that ${origin} signed.</figcaption></figure>`;
};

const checkRow = ({ name, status, detail, expected, actual }: Check): Html =>
  html`<tr><td class="${status}"><span>${name}</span></td><td>${detail}</td><td><code>${expected ?? ""}</code></td><td><code>${actual ?? ""}</code></td></tr>`;
