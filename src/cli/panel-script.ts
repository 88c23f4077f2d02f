import { readFile } from "node:fs/promises";

/** In the bundle it is a file beside this one; in a working tree `npm run panel` makes it. */
const PLACE = import.meta.url.endsWith("/src/cli/panel-script.ts")
  ? "../../build/panel.js"
  : "./panel.js";

/** The script of the report's panel; `undefined` where it was not made: a page does without it. */
export const panelScript = async (): Promise<string | undefined> =>
  readFile(new URL(PLACE, import.meta.url), "utf8").catch(() => undefined);
