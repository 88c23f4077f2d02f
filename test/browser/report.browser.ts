import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { firstPaint, lookAt, openBrowser, openPage, skip, walkByKeyboard } from "./browser.ts";
import { makeReports, serveFolder } from "./report-pages.ts";

describe("the report in a browser", { skip }, () => {
  let browser: Browser;
  let reports: Awaited<ReturnType<typeof makeReports>>;
  let served: Awaited<ReturnType<typeof serveFolder>>;
  before(async () => {
    browser = await openBrowser();
    reports = await makeReports();
    served = await serveFolder(reports.folder);
  });
  after(async () => {
    await browser?.close();
    served?.close();
    await reports?.remove();
  });

  for (const name of ["good", "refused"]) {
    test(`a ${name} run fits each width, and is accessible`, async () => {
      await lookAt(browser, `${served.base}/${name}/wheelseal-report.html`, `report-${name}`);
    });
  }

  test("is painted without asking for anything else", async (t) => {
    const url = `${served.base}/good/wheelseal-report.html`;
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(url, { waitUntil: "networkidle" });
    assert.deepEqual(asked, [url]);
    await page.close();
    // A goal for a quiet machine (300 ms), so it is told and not demanded here.
    t.diagnostic(`first contentful paint after ${(await firstPaint(browser, url)).toFixed(0)} ms`);
  });

  test("is used by keyboard alone", async () => {
    const url = `${served.base}/good/wheelseal-report.html`;
    const { page, close } = await openPage(browser, url, { width: 1024 });
    const seen = await walkByKeyboard(page, 40);
    assert.ok(
      seen.some((name) => name.startsWith("summary bundle")),
      seen.join("\n"),
    );
    const details = page.locator("details").first();
    assert.equal(await details.getAttribute("open"), null);
    await details.locator("summary").focus();
    await page.keyboard.press("Enter");
    assert.notEqual(await details.getAttribute("open"), null);
    await close();
  });
});
