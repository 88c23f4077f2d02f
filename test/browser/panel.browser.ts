import assert from "node:assert/strict";
import { appendFile, cp, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { assertAccessible, openBrowser, openPage, SHOTS, skip } from "./browser.ts";
import { makeReports, serveFolder } from "./report-pages.ts";

describe("verifying again on the report", { skip }, () => {
  let browser: Browser;
  let reports: Awaited<ReturnType<typeof makeReports>>;
  let served: Awaited<ReturnType<typeof serveFolder>>;
  let url = "";
  before(async () => {
    browser = await openBrowser();
    reports = await makeReports();
    served = await serveFolder(reports.folder);
    url = `${served.base}/good/wheelseal-report.html`;
  });
  after(async () => {
    await browser?.close();
    served?.close();
    await reports?.remove();
  });

  const files = (...ends: string[]): string[] =>
    ends.map((end) => join(reports.good, `${reports.wheel}${end}`));
  const EVIDENCE = [
    ...[".sig", ".crt", ".sigstore.json"],
    ...[".publish.attestation", ".provenance.attestation"],
  ];

  const choose = async (page: Page, chosen: string[]): Promise<string> => {
    await page.locator("#again-files").setInputFiles(chosen);
    const status = page.locator("#again-status");
    await status.filter({ hasText: /refused|No wheel/ }).waitFor();
    return (await status.textContent()) ?? "";
  };

  const opened = async (work: (page: Page) => Promise<void>): Promise<void> => {
    const { page, complaints, close } = await openPage(browser, url, { width: 1024 });
    await work(page);
    assert.deepEqual(complaints, []);
    await close();
  };

  test("a wheel with all its evidence is verified, with every check and nothing sent", () =>
    opened(async (page) => {
      const sent: string[] = [];
      page.on("request", (request) => sent.push(request.url()));
      assert.match(await choose(page, files("", ...EVIDENCE)), /^1 verified, 0 refused/);
      const card = page.locator("#again-result article");
      assert.match((await card.textContent()) ?? "", /verified/);
      assert.equal((await card.locator("td.passed").count()) > 30, true);
      assert.deepEqual(sent, []);
      await assertAccessible(page);
      await page.screenshot({ path: join(SHOTS, "panel-good.png"), fullPage: true });
    }));

  test("a wheel and its bundle alone are proven as bytes, and the page says no more", () =>
    opened(async (page) => {
      const said = await choose(page, files("", ".sigstore.json"));
      assert.match(said, /its name is not proven/);
      assert.match((await page.locator("#again-result").textContent()) ?? "", /bytes only/);
    }));

  test("evidence may follow its wheel", () =>
    opened(async (page) => {
      assert.match(await choose(page, files("")), /EVIDENCE_MISSING/);
      assert.match(
        await choose(page, files(".sigstore.json", ".publish.attestation")),
        /1 verified/,
      );
    }));

  test("what is dropped anywhere on the page is verified", () =>
    opened(async (page) => {
      const contents = await Promise.all(
        files("", ...EVIDENCE).map(async (path) => ({
          name: path.split("/").at(-1) ?? "",
          bytes: (await readFile(path)).toString("base64"),
        })),
      );
      const transfer = await page.evaluateHandle((all) => {
        const dropped = new DataTransfer();
        for (const { name, bytes } of all) {
          const binary = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
          dropped.items.add(new File([binary], name));
        }
        return dropped;
      }, contents);
      await page.dispatchEvent("h1", "drop", { dataTransfer: transfer });
      await page.locator("#again-status").filter({ hasText: "1 verified" }).waitFor();
    }));

  const altered = async (name: string, change: (path: string) => Promise<void>) => {
    const folder = join(reports.folder, name);
    await cp(reports.good, folder, { recursive: true });
    await change(join(folder, reports.wheel));
    return ["", ...EVIDENCE].map((end) => join(folder, `${reports.wheel}${end}`));
  };

  test("a wheel with something behind its end is refused", async () => {
    const chosen = await altered("longer", (path) => appendFile(path, "more"));
    await opened(async (page) => {
      assert.match(await choose(page, chosen), /DIST_ZIP/);
      await page.screenshot({ path: join(SHOTS, "panel-refused.png"), fullPage: true });
    });
  });

  test("a wheel with one other bit is refused", async () => {
    const chosen = await altered("flipped", async (path) => {
      const bytes = await readFile(path);
      // Of the first member's time: the archive stays good, the signature does not.
      bytes[10] = (bytes[10] ?? 0) ^ 2;
      const central = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
      bytes[central + 12] = (bytes[central + 12] ?? 0) ^ 2;
      await writeFile(path, bytes);
    });
    await opened(async (page) => {
      assert.match(await choose(page, chosen), /SIGNATURE_DIGEST|SIGNATURE_INVALID|TLOG_BODY/);
    });
  });

  test("evidence with another signature is refused", async () => {
    const chosen = await altered("forged", async (path) => {
      const bundle = JSON.parse(await readFile(`${path}.sigstore.json`, "utf8"));
      const signature = Buffer.from(bundle.messageSignature.signature, "base64");
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      bundle.messageSignature.signature = signature.toString("base64");
      await writeFile(`${path}.sigstore.json`, JSON.stringify(bundle));
    });
    await opened(async (page) => {
      assert.match(await choose(page, chosen), /0 verified, 1 refused.*(SIGNATURE|TLOG)_/);
    });
  });

  test("files are chosen, and the result read, by keyboard", () =>
    opened(async (page) => {
      await page.locator("#again-files").focus();
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "again-clear");
      await choose(page, files("", ...EVIDENCE));
      await page.locator("#again-clear").focus();
      await page.keyboard.press("Enter");
      assert.equal(await page.locator("#again-result article").count(), 0);
    }));

  test("a page that the browser gives no cryptography to says so, and verifies nothing", async () => {
    const page = await browser.newPage();
    await page.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
    await page.goto(url);
    assert.match((await page.locator("#again-status").textContent()) ?? "", /no cryptography/);
    assert.ok(await page.locator("#again-files").isDisabled());
    await page.close();
  });

  test("what is closed on the screen is open in print", () =>
    opened(async (page) => {
      const cell = page.locator("details td").first();
      assert.equal(await cell.isVisible(), false);
      await page.emulateMedia({ media: "print" });
      assert.equal(await cell.evaluate((one) => one.getBoundingClientRect().height > 0), true);
    }));

  test("the page weighs less than 200 KB without what is said of this run", async () => {
    const whole = (await stat(join(reports.good, "wheelseal-report.html"))).size;
    const page = await readFile(join(reports.good, "wheelseal-report.html"), "utf8");
    const [given = ""] = /<script type="application\/json".*?<\/script>/s.exec(page) ?? [];
    const cards = page.slice(page.indexOf("<article"), page.lastIndexOf("</article>"));
    const weight = whole - given.length - cards.length;
    assert.ok(given.length > 1000 && cards.length > 1000);
    assert.ok(weight < 200_000, `${weight} bytes`);
  });
});
