import type { Proof, ReleaseVerdict } from "../stages/release.ts";
import type { Check, LoggedAt, Signer, Verdict } from "../verification/verdict.ts";
import { type Html, html } from "./html.ts";
import { proofPicture } from "./proof-picture.ts";
import type { PipelineReport } from "./report.ts";

type Verified = Verdict & { readonly verified: true };

/** What is known of how it was built, where anything is. */
type Built = Pick<PipelineReport, "record">;

const fact = (name: string, value: string | undefined): Html =>
  value === undefined || value === ""
    ? html``
    : html`<dt>${name}</dt><dd><code>${value}</code></dd>`;

/** The card of one file: the verdict, who, how, when, the proof, and every check. */
export const fileCard = (file: ReleaseVerdict, report: Built): Html => {
  const { filename, sha256, size, failure, findings, proofs } = file;
  const good = failure === undefined;
  const tag = good
    ? html`<span class="tag">verified</span>`
    : html`<span class="tag bad">refused</span>`;
  const best = proofs.map(({ verdict }) => verdict).find((verdict) => verdict.verified);
  return html`<article class="file" aria-label="${filename}">
<header><h3><code>${filename}</code></h3>${tag}</header>
<p class="took"><code>sha256:${sha256}</code>, ${size} bytes</p>
${failure === undefined ? html`` : refusal(failure)}
${best?.verified === true ? facts(best, proofs, report) : html``}
${findings.map((finding) => html`<p>Note: <code>${finding.path}</code> ${finding.detail}</p>`)}
${proofs.map(proofDetails)}
</article>`;
};

/** A failure with what to do about it. */
export const refusal = (failure: { code: string; message: string; hint: string }): Html =>
  html`<div class="hint" role="alert"><p><strong>${failure.code}</strong>: ${failure.message}</p><p>${failure.hint}</p></div>`;

const facts = (verdict: Verified, proofs: readonly Proof[], report: Built): Html =>
  html`<div class="facts">${who(verdict.signer)}${how(verdict.signer, report)}${when(verdict)}${proven(proofs)}</div>`;

const who = (signer: Signer): Html => {
  if (signer.kind === "key") {
    return html`<section><h4>Who</h4><dl>${fact("key", signer.keyId)}</dl></section>`;
  }
  const { san, issuer, claims } = signer;
  return html`<section><h4>Who</h4><dl>${fact("identity", san)}${fact("issuer", issuer)}${fact("project", claims["12"])}</dl></section>`;
};

const how = (signer: Signer, { record }: Built): Html => {
  const claims = signer.kind === "certificate" ? signer.claims : {};
  const tools = record?.resolved.map(({ name, version }) => `${name} ${version}`).join(", ");
  const python = record && `${record.python.implementation} ${record.python.version}`;
  return html`<section><h4>How</h4><dl>${fact("commit", record?.source.commit ?? claims["13"])}${fact("ref", claims["14"])}${fact("job", claims["21"])}${fact("runner", claims["11"])}${fact("backend", record?.backend.name)}${fact("python", python)}${fact("tools", tools)}</dl></section>`;
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
