import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import type { ReleaseVerdict } from "../../src/stages/release.ts";
import type { PipelineReport } from "../../src/web/report.ts";
import { reportPage } from "../../src/web/report-page.ts";
import { timelineOf } from "../../src/web/timeline.ts";
import { lookAt, openBrowser, openPage, skip } from "./browser.ts";
import { serveFolder } from "./report-pages.ts";

/** Markup, a character that turns lines around, and a word that is longer than any window. */
const HOSTILE = `"></code></script><script>globalThis.ran=1</script><img src=x onerror='globalThis.ran=1'><a href="javascript:globalThis.ran=1">\u202e${"w".repeat(300)}`;
const FAILURE = { code: "IDENTITY_MISMATCH", message: HOSTILE, hint: HOSTILE } as const;

const file = (verified: boolean): ReleaseVerdict => ({
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
        ...(verified
          ? {
              verified,
              binding: "release",
              signer: {
                kind: "certificate",
                san: HOSTILE,
                sanKind: "uri",
                issuer: HOSTILE,
                claims: { "11": HOSTILE, "12": HOSTILE, "13": HOSTILE, "14": HOSTILE },
              },
              times: [HOSTILE],
              logged: [{ logIndex: HOSTILE, logId: HOSTILE }],
            }
          : { verified, failure: FAILURE }),
        checks: [
          {
            name: "identity",
            status: verified ? "passed" : "failed",
            detail: HOSTILE,
            expected: HOSTILE,
            actual: HOSTILE,
          },
        ],
      },
    },
  ],
  ...(verified ? {} : { failure: FAILURE }),
});

const REPORT: PipelineReport = {
  reportVersion: 1,
  tool: { name: "wheelseal", version: "0.1.0" },
  writtenAt: "2026-01-01T00:00:00Z",
  ok: false,
  error: FAILURE,
  timeline: timelineOf([
    { kind: "started", stage: "build", at: 0 },
    { kind: "failed", stage: "build", at: 1500, failure: FAILURE },
  ]),
  files: [file(true), file(false)],
  expected: HOSTILE,
  trust: HOSTILE,
  imported: [HOSTILE],
};

describe("a report full of hostile text", { skip }, () => {
  let browser: Browser;
  let served: Awaited<ReturnType<typeof serveFolder>>;
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "wheelseal-hostile-"));
    const base64 = (text: string) => createHash("sha256").update(text).digest("base64");
    await writeFile(join(folder, "hostile.html"), reportPage(REPORT, base64));
    served = await serveFolder(folder);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    served?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("fits each width, and is accessible", () =>
    lookAt(browser, `${served.base}/hostile.html`, "report-hostile"));

  test("makes no element of it, runs nothing and asks for nothing", async () => {
    const { page, complaints, close } = await openPage(browser, `${served.base}/hostile.html`, {
      width: 1024,
    });
    assert.equal(await page.locator("script, img, a").count(), 0);
    assert.equal(await page.evaluate(() => "ran" in globalThis), false);
    assert.deepEqual(complaints, []);
    const first = page.locator("article").first();
    assert.match((await first.textContent()) ?? "", /refused/);
    await close();
  });
});
