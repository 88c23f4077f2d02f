import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemOutside } from "../../src/cli/world.ts";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { downloadFile } from "../../src/clients/download.ts";
import { simpleIndex } from "../../src/clients/simple-index.ts";
import { unwrap } from "../../src/formats/result.ts";

/** The index that pip is configured to use, or the one it uses by itself. */
const pipIndex = (): string => {
  const configured = spawn("python3", "-m", "pip", "config", "get", "global.index-url");
  if (configured !== undefined) return configured;
  const own = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
  return spawn("python3", "-c", own) ?? "";
};

const spawn = (program: string, ...args: string[]): string | undefined => {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: "pipe" }).trim() || undefined;
  } catch {
    return undefined;
  }
};

/**
 * The sdist of a release as its index serves it, unpacked: a folder with a pyproject.toml. It is
 * fetched by HTTP, since asking pip for an sdist runs the sdist's code.
 */
export const publishedSdist = async (name: string, version: string): Promise<string> => {
  const outside = systemOutside();
  const url = process.env.PIP_INDEX_URL ?? pipIndex();
  const page = unwrap(await simpleIndex(outside, { url, auth: NO_AUTH }).project(name));
  const file = page.files.find(({ filename }) => filename === `${name}-${version}.tar.gz`);
  if (file?.sha256 === undefined) throw new Error(`the index has no sdist of ${name} ${version}`);
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-sdist-"));
  const path = join(folder, file.filename);
  const { sha256 } = file;
  unwrap(
    await downloadFile(outside, {
      url: file.url,
      auth: NO_AUTH,
      sha256,
      path,
      maxBytes: 50_000_000,
    }),
  );
  execFileSync("tar", ["-xzf", path, "-C", folder]);
  const unpacked = readdirSync(folder).find((entry) => !entry.endsWith(".tar.gz"));
  return join(folder, unpacked ?? "");
};
