import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Plugin, rolldown } from "rolldown";

/** Modules of crypto that a browser has other means for. */
const CRYPTO = /\/src\/crypto\/(hash|keys|verify|crc32|text)\.ts$/;

/** The same verifier, with the browser's cryptography under it. */
const browserCrypto = (): Plugin => ({
  name: "browser-crypto",
  resolveId: async function (source, importer, options) {
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    const [, name] = CRYPTO.exec(found?.id ?? "") ?? [];
    if (found === null || name === undefined) return null;
    return found.id.replace(CRYPTO, `/src/panel/crypto-${name}.ts`);
  },
});

/** The script of the report's panel, as one piece of text that can stand in a page. */
export const panelScript = async (root: string): Promise<string> => {
  const build = await rolldown({
    input: join(root, "src/panel/panel.ts"),
    platform: "browser",
    // Only modules that sign import it, and nothing here signs: it must be gone at the end.
    external: ["node:crypto"],
    plugins: [browserCrypto()],
  });
  try {
    const { output } = await build.generate({ format: "iife", minify: true });
    const [{ code }, ...more] = output;
    if (more.length > 0 || /["']node:/.test(code)) throw new Error("the panel is no single script");
    // The end of a script element would end it in the middle of the text.
    return code
      .replaceAll(/<\/(?=script)/gi, "<\\/")
      .replaceAll("<!--", "<\\!--")
      .trim();
  } finally {
    await build.close();
  }
};

/** Puts the panel beside the bundle. */
export const panelPlugin = (root: string): Plugin => ({
  name: "panel",
  generateBundle: async function () {
    this.emitFile({ type: "asset", fileName: "panel.js", source: await panelScript(root) });
  },
});

if (import.meta.filename === process.argv[1]) {
  const root = resolve(import.meta.dirname, "..");
  const path = join(root, "build", "panel.js");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await panelScript(root));
}
