import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import {
  assertAccessible,
  assertFits,
  firstPaint,
  lookAt,
  openBrowser,
  openPage,
  skip,
  walkByKeyboard,
} from "./browser.ts";
import { openScene } from "./console-scene.ts";

const WAIT = { timeout: 60_000 };

/** Leaves something in the page that a reload would take away. */
const mark = (page: Page): Promise<void> =>
  page.evaluate(() => {
    document.documentElement.dataset.kept = "yes";
  });

const assertNotReloaded = async (page: Page): Promise<void> =>
  assert.equal(await page.evaluate(() => document.documentElement.dataset.kept), "yes");

/** As a look, at the narrowest window only. */
const glanceAt = async (browser: Browser, url: string): Promise<void> => {
  const { page, complaints, close } = await openPage(browser, url, { width: 360, dark: true });
  await assertFits(page);
  await assertAccessible(page);
  assert.deepEqual(complaints, [], url);
  await close();
};

describe("the console in a browser", { skip, timeout: 600_000 }, () => {
  let browser: Browser;
  let scene: Awaited<ReturnType<typeof openScene>>;
  before(async () => {
    browser = await openBrowser();
    scene = await openScene();
  });
  after(async () => {
    await browser?.close();
    await scene?.close();
  });

  test("a run of the pipeline appears while one looks, and its files are verified", async () => {
    const { page, complaints, close } = await openPage(browser, `${scene.console}packages`, {
      width: 1024,
    });
    await page.getByText("live", { exact: true }).waitFor(WAIT);
    await page.getByText("There are no packages yet.").waitFor(WAIT);
    await mark(page);
    assert.equal(await scene.pipeline(), 0);
    const link = page.getByRole("link", { name: "wheelseal-greeter" });
    await link.waitFor(WAIT);
    await assertNotReloaded(page);
    await link.click();
    await mark(page);
    await page
      .locator("td .tag", { hasText: /^verified$/ })
      .nth(1)
      .waitFor(WAIT);
    await assertNotReloaded(page);
    await page.getByRole("link", { name: /\.whl$/ }).click();
    await page.locator("article.file .tag", { hasText: "verified" }).waitFor(WAIT);
    await page.locator("summary", { hasText: /^publish:/ }).click();
    await page.locator("details[open] svg[role=img]").first().waitFor(WAIT);
    assert.deepEqual(complaints, []);
    await close();
  });

  test("the log is searched by digest, identity and index, and proves its consistency", async () => {
    const { page, complaints, close } = await openPage(browser, `${scene.console}log`, {
      width: 1024,
    });
    const find = async (text: string): Promise<void> => {
      await page.getByLabel("SHA-256 digest, identity or index").fill(text);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Found for" }).waitFor(WAIT);
    };
    await find(scene.wheelDigest());
    await page.getByRole("heading", { name: "Files with this digest" }).waitFor(WAIT);
    assert.ok((await page.locator("#live-main table").first().locator("tbody tr").count()) >= 3);
    const identity = await page.locator("td[data-name='Signed by'] code").first().textContent();
    await find(identity ?? "");
    await page
      .getByRole("link", { name: identity ?? "" })
      .first()
      .waitFor(WAIT);
    await find("1");
    await page.getByRole("link", { name: "1", exact: true }).click();
    await page.getByRole("heading", { name: "Entry 1" }).waitFor(WAIT);
    await page.goto(`${scene.console}log`);
    await page.getByLabel("First size").fill("2");
    await page.getByRole("button", { name: "Prove" }).click();
    await page.locator(".tag", { hasText: "consistent" }).waitFor(WAIT);
    assert.deepEqual(complaints, []);
    await close();
  });

  test("hostile metadata is text, and the file that nobody signed is refused", async () => {
    assert.equal(await scene.uploadUnsigned("unsigned"), 201);
    const file = "packages/unsigned/unsigned-6.6.6-py3-none-any.whl";
    const { page, complaints, close } = await openPage(browser, scene.console + file, {
      width: 1024,
    });
    await page.getByText("EVIDENCE_MISSING").first().waitFor(WAIT);
    await page.getByText("<script>document.title").waitFor(WAIT);
    assert.match(await page.title(), /^unsigned-6\.6\.6/);
    assert.equal(await page.locator("main script, main img").count(), 0);
    assert.deepEqual(complaints, []);
    await close();
  });

  test("a refusal appears in the gateway's console while one looks", async () => {
    const gateway = await scene.gateway();
    try {
      const { page, complaints, close } = await openPage(browser, `${gateway.console}refusals`, {
        width: 1024,
      });
      await page.getByText("live", { exact: true }).waitFor(WAIT);
      await mark(page);
      assert.deepEqual(await gateway.install("wheelseal-greeter"), [200, 200]);
      assert.deepEqual(await gateway.install("unsigned"), [403]);
      await page.getByText("EVIDENCE_MISSING").first().waitFor(WAIT);
      await assertNotReloaded(page);
      assert.deepEqual(complaints, []);
      await close();
      await lookAt(browser, gateway.console, "console-gateway");
      const wheel = "packages/wheelseal-greeter/wheelseal_greeter-1.0.0-py3-none-any.whl";
      await lookAt(browser, gateway.console + wheel, "console-gateway-file");
      for (const path of ["packages", "packages/wheelseal-greeter", "log", "waivers"]) {
        await glanceAt(browser, gateway.console + path);
      }
    } finally {
      await gateway.stop();
    }
  });

  test("each page fits each width, and is accessible", async () => {
    assert.equal(await scene.release("1.1.0"), 0);
    const wheel = "packages/wheelseal-greeter/wheelseal_greeter-1.1.0-py3-none-any.whl";
    const looks = {
      overview: "",
      package: "packages/wheelseal-greeter",
      file: wheel,
      log: "log?first=2&second=7",
      signer: "signings/1",
      refusals: "refusals",
    };
    for (const [name, path] of Object.entries(looks)) {
      await lookAt(browser, scene.console + path, `console-${name}`);
    }
    const refused = "packages/unsigned/unsigned-6.6.6-py3-none-any.whl";
    for (const path of ["packages", "log/3", "signings", "changes", "waivers", refused]) {
      await glanceAt(browser, scene.console + path);
    }
  });

  test("is used by keyboard alone", async () => {
    const { page, close } = await openPage(browser, `${scene.console}packages`, { width: 1024 });
    const seen = await walkByKeyboard(page, 40);
    assert.match(seen[0] ?? "", /Skip to the content/);
    assert.ok(
      seen.some((name) => name.startsWith("a wheelseal-greeter")),
      seen.join("\n"),
    );
    await page.getByRole("link", { name: "wheelseal-greeter" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "wheelseal-greeter" }).waitFor(WAIT);
    await assertAccessible(page);
    await close();
  });

  test("works without JavaScript", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${scene.console}packages?q=wheel`);
    await page.getByRole("link", { name: "wheelseal-greeter" }).click();
    await page.getByRole("link", { name: /1\.0\.0.*\.whl$/ }).click();
    await page.locator("article.file .tag", { hasText: "verified" }).waitFor(WAIT);
    await context.close();
  });

  test("is painted soon", async (t) => {
    for (const path of ["", "packages", "log"]) {
      const time = (await firstPaint(browser, scene.console + path)).toFixed(0);
      t.diagnostic(`first contentful paint of /${path} after ${time} ms`);
    }
  });
});
