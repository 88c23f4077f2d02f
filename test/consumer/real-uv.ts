import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const PIN = "uv==0.13.9";
/** Kept between runs; it can be made again. */
const KEPT = join(tmpdir(), `wheelseal-test-${PIN}`);
const TIME = 120_000;

const runs = (program: string, ...args: readonly string[]): Promise<boolean> =>
  new Promise((done) => {
    execFile(program, args, { timeout: TIME }, (error) => done(error === null));
  });

/**
 * The folder of a `uv`: this machine's, or one that pip fetches once.
 * @param pip - an interpreter with pip
 * @returns `undefined` where there is none and none can be had
 */
export const uvFolder = async (pip: string): Promise<string | undefined> => {
  for (const folder of (process.env.PATH ?? "").split(":")) {
    if (await runs(join(folder, "uv"), "--version")) return folder;
  }
  const folder = join(KEPT, "bin");
  if (await runs(join(folder, "uv"), "--version")) return folder;
  await mkdir(dirname(KEPT), { recursive: true });
  const options = [
    "--quiet",
    "--no-input",
    "--disable-pip-version-check",
    "--only-binary",
    ":all:",
  ];
  const got = await runs(pip, "-m", "pip", "install", ...options, "--prefix", KEPT, PIN);
  return got && (await runs(join(folder, "uv"), "--version")) ? folder : undefined;
};
