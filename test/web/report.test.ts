import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { ReleaseVerdict } from "../../src/stages/release.ts";
import type { Waivable, Waiver } from "../../src/verification/policy-format.ts";
import { html, raw } from "../../src/web/html.ts";
import type { PipelineReport } from "../../src/web/report.ts";
import { reportPage } from "../../src/web/report-page.ts";
import { timelineOf } from "../../src/web/timeline.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e`;

const file = (changes: Partial<ReleaseVerdict> = {}): ReleaseVerdict => ({
  filename: `${HOSTILE}.whl`,
  sha256: "0".repeat(64),
  size: 1,
  findings: [{ kind: "script", path: HOSTILE, detail: HOSTILE }],
  waivers: [],
  proofs: [
    {
      kind: "bundle",
      file: HOSTILE,
      sha256: "1".repeat(64),
      verdict: {
        verified: true,
        binding: "release",
        signer: {
          kind: "certificate",
          san: HOSTILE,
          sanKind: "uri",
          issuer: HOSTILE,
          claims: { "12": HOSTILE, "14": HOSTILE, "21": HOSTILE },
        },
        times: ["2026-01-01T00:00:00Z"],
        logged: [
          {
            logIndex: "5",
            logId: "ab",
            inclusion: {
              leafIndex: "5",
              treeSize: "6",
              leafHash: "aa".repeat(32),
              rootHash: "bb".repeat(32),
              hashes: ["cc".repeat(32), "dd".repeat(32)],
              checkpoint: `${HOSTILE}\n6\n`,
            },
          },
        ],
        checks: [
          {
            name: "identity",
            status: "passed",
            detail: HOSTILE,
            expected: HOSTILE,
            actual: HOSTILE,
          },
        ],
      },
    },
  ],
  ...changes,
});

const report = (changes: Partial<PipelineReport> = {}): PipelineReport => ({
  reportVersion: 1,
  tool: { name: "wheelseal", version: "0.1.0" },
  writtenAt: "2026-01-01T00:00:00Z",
  ok: true,
  timeline: timelineOf([
    { kind: "started", stage: "build", at: 0 },
    { kind: "finished", stage: "build", at: 1500, summary: HOSTILE },
  ]),
  files: [file()],
  expected: HOSTILE,
  trust: HOSTILE,
  imported: [HOSTILE],
  ...changes,
});

const sha256Base64 = (text: string) => createHash("sha256").update(text).digest("base64");
const page = (changes: Partial<PipelineReport> = {}) => reportPage(report(changes), sha256Base64);

test("values of strangers are text on the page, wherever they stand", () => {
  const text = page({ error: { code: "DIST_EMPTY", message: HOSTILE, hint: HOSTILE } });
  assert.doesNotMatch(text, /<script|<img|onerror='|\u202e/);
  assert.match(text, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.match(text, /\\u\{202e\}/);
});

test("the page runs no script, asks no network, and its style is the one that its policy names", () => {
  const text = page();
  const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? "";
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? "";
  assert.match(policy, /^default-src &#39;none&#39;/);
  assert.ok(policy.includes(`sha256-${sha256Base64(style)}`));
  assert.doesNotMatch(text, / style="| on[a-z]+="|<script|<link|src="|url\(/);
});

test("failures come first, with the hint", () => {
  const failure = { code: "TLOG_BODY", message: "another entry", hint: "Do this." } as const;
  const good = file({ filename: "good.whl" });
  const text = page({ ok: false, files: [good, file({ filename: "bad.whl", failure })] });
  assert.ok(text.indexOf("bad.whl") < text.indexOf("good.whl"));
  assert.match(text, /TLOG_BODY<\/strong>: another entry/);
  assert.match(text, /Do this\./);
});

test("the way from the leaf to the root is drawn, each sibling once", () => {
  const text = page();
  assert.match(text, /aria-label="Leaf 5 of 6 leads by 2 hashes to the root bbbbbbbb…/);
  assert.equal(text.match(/cccccccc…/g)?.length, 1);
  assert.equal(text.match(/dddddddd…/g)?.length, 1);
});

test("stages that did not begin are shown as waiting", () => {
  const states = timelineOf([
    { kind: "started", stage: "build", at: 0 },
    {
      kind: "failed",
      stage: "build",
      at: 10,
      failure: { code: "BUILD_FAILED", message: "no", hint: "x" },
    },
  ]).map(({ stage, state }) => `${stage} ${state}`);
  assert.deepEqual(states.slice(0, 2), ["build failed", "sign waiting"]);
  assert.equal(states.length, 6);
});

test("the panel is the only script, and what it is given cannot end its element", () => {
  const script = "panel()";
  const given = JSON.stringify({ policy: `</script><script>alert(3)</script><!--` });
  const text = reportPage(report(), sha256Base64, { script, given, trustSha256: "ab" });
  const scripts = [...text.matchAll(/<script(?: [^>]*)?>(.*?)<\/script>/gs)].map(([, one]) => one);
  assert.equal(scripts.length, 2);
  assert.deepEqual(JSON.parse(scripts[0] ?? ""), JSON.parse(given));
  assert.equal(scripts[1], script);
  assert.ok(text.includes(`script-src &#39;sha256-${sha256Base64(script)}&#39;`));
  assert.doesNotMatch(page(), /script-src/);
});

test("waivers and pins are shown with who answers for them, and until when", () => {
  const waiver: Waiver = {
    package: "greeter" as Waiver["package"],
    waives: ["provenance"],
    version: undefined,
    reason: HOSTILE,
    owner: "ann@example.org",
    expires: "2026-12-31",
    endsAt: 0,
  };
  const note = (over: boolean, excused: Waivable[]) => ({ waiver, over, excused });
  const waived = file({ waivers: [note(false, ["provenance"]), note(false, []), note(true, [])] });
  const text = page({ files: [waived, file({ pinned: true })] });
  assert.match(
    text,
    /excuses provenance<\/span> Waiver of provenance by ann@example\.org until 2026-12-31/,
  );
  assert.match(text, /not needed<\/span>/);
  assert.match(text, /over<\/span>/);
  assert.match(text, /pinned<\/span> Accepted by its digest/);
  assert.doesNotMatch(text, /<script/);
});

test("signatures that were published first stand first; stages that did not begin keep their place", () => {
  const order = timelineOf([
    { kind: "started", stage: "verify", at: 0 },
    { kind: "started", stage: "publish-signatures", at: 1 },
    { kind: "started", stage: "publish", at: 2 },
  ]).map(({ stage }) => stage);
  const expected = ["build", "sign", "verify", "publish-signatures", "publish", "consume"];
  assert.deepEqual(order, expected);
  assert.deepEqual(
    timelineOf([])
      .map(({ stage }) => stage)
      .indexOf("publish"),
    3,
  );
});

test("a template escapes what is not HTML of ours", () => {
  assert.equal(
    html`<b>${"<i>"}</b>${raw("<hr>")}${[html`x`, html`y`]}${undefined}${1}`.html,
    "<b>&lt;i&gt;</b><hr>xy1",
  );
});
