/// <reference lib="dom" />
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axeCore from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

// Pages in the browser that the machine has. What it shows is kept in an ignored folder, for
// people to look at.

export const SHOTS = join(import.meta.dirname, "../../.browser");

/** WCAG 2.2, levels A and AA, as axe names the rules of each version. */
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];

/** The program of a browser on this machine; `undefined` where there is none. */
export const browserProgram = (): string | undefined =>
  PROGRAMS.map((name) => spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }))
    .map(({ stdout }) => stdout.trim())
    .find((path) => path !== "");

/** What a test that needs a browser says where there is none. */
export const skip = browserProgram() === undefined ? "no Chromium on this machine" : false;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: browserProgram() ?? "", args: ["--no-sandbox"] });

export type Look = { readonly width: number; readonly dark?: boolean };

/** Opens a page in a context of its own; whatever the page complains of fails the test. */
export const openPage = async (browser: Browser, url: string, { width, dark = false }: Look) => {
  const context: BrowserContext = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(url, { waitUntil: "load" });
  return { page, complaints, close: () => context.close() };
};

/** The page has no violation of WCAG 2.2 AA that axe can find. */
export const assertAccessible = async (page: Page): Promise<void> => {
  // The page's own policy forbids scripts from elsewhere, so axe comes by the debugger.
  await page.evaluate(axeCore.source);
  const violations = await page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations: found } = await axe.run({ runOnly: { type: "tag", values: tags } });
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n  ")}`);
  }, WCAG);
  assert.deepEqual(violations, []);
};

/** Nothing is wider than the window: what must be, scrolls by itself. */
export const assertFits = async (page: Page): Promise<void> => {
  const wide = await page.evaluate(() => {
    const { document, innerWidth } = globalThis;
    return document.documentElement.scrollWidth - innerWidth;
  });
  assert.ok(wide <= 0, `the page is ${wide} px wider than the window`);
};

export const WIDTHS = [360, 1024, 1600] as const;

/** Looks at a page at each width, light and dark: it fits, is accessible, and is kept as an image. */
export const lookAt = async (browser: Browser, url: string, name: string): Promise<void> => {
  mkdirSync(SHOTS, { recursive: true });
  for (const width of WIDTHS) {
    for (const dark of [false, true]) {
      const { page, complaints, close } = await openPage(browser, url, { width, dark });
      const path = join(SHOTS, `${name}-${width}-${dark ? "dark" : "light"}.png`);
      await page.screenshot({ path, fullPage: true });
      await assertFits(page);
      await assertAccessible(page);
      assert.deepEqual(complaints, [], name);
      await close();
    }
  }
};

/** Milliseconds until something was painted: the median of some loads. */
export const firstPaint = async (browser: Browser, url: string, loads = 7): Promise<number> => {
  const times: number[] = [];
  for (let load = 0; load < loads; load += 1) {
    const { page, close } = await openPage(browser, url, { width: 1024 });
    const entry = await page.waitForFunction(() =>
      performance.getEntriesByName("first-contentful-paint").at(0)?.toJSON(),
    );
    const { startTime } = (await entry.jsonValue()) as { startTime: number };
    times.push(startTime);
    await close();
  }
  return times.toSorted((a, b) => a - b)[Math.floor(loads / 2)] ?? Number.NaN;
};

/** Walks through the page by Tab, and gives what had the focus: each must show that it has it. */
export const walkByKeyboard = async (page: Page, steps: number): Promise<string[]> => {
  const seen: string[] = [];
  for (let step = 0; step < steps; step += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const { document } = globalThis;
      const element = document.activeElement;
      if (element === null || element === document.body) return undefined;
      const { outlineStyle } = getComputedStyle(element);
      return {
        name: `${element.tagName.toLowerCase()} ${element.textContent?.trim().slice(0, 40)}`,
        outlineStyle,
      };
    });
    if (at === undefined) break;
    assert.notEqual(at.outlineStyle, "none", `${at.name} does not show its focus`);
    seen.push(at.name);
  }
  return seen;
};
