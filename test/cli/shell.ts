import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A folder to run commands in, with a `wheelseal` that is this working tree's. */
export type Shell = {
  readonly folder: string;
  /** Runs a line of shell; stdout and stderr are merged, as a terminal shows them. */
  readonly run: (line: string) => { readonly output: string; readonly code: number };
};

/** Variables of a CI job or a user that would change what commands do. */
const UNSET =
  /^(CI|CI_.*|GITLAB_CI|SIGSTORE_.*|PACKAGE_.*|WHEELSEAL_.*|(?!PIP_).*_URL|CERTIFICATE_.*|FORCE_COLOR)$/;

/** The environment of this process without them. */
export const plainEnvironment = (): Record<string, string | undefined> => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !UNSET.test(name))),
  NO_COLOR: "1",
});

export const openShell = (environment: Readonly<Record<string, string>> = {}): Shell => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-shell-"));
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  const script = `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${main}" "$@"\n`;
  writeFileSync(join(bin, "wheelseal"), script);
  chmodSync(join(bin, "wheelseal"), 0o755);
  // A user's own memory of TUF repositories is not a test's to read or change.
  const trust = { WHEELSEAL_TRUST_DIR: join(folder, ".trust") };
  const env = { ...plainEnvironment(), ...trust, ...environment };
  const run = (line: string) => {
    const { stdout, status } = spawnSync("sh", ["-c", `exec 2>&1; ${line}`], {
      cwd: folder,
      encoding: "utf8",
      env: { ...env, PATH: `${bin}:${process.env.PATH}` },
    });
    return { output: normalise(stdout, folder), code: status ?? -1 };
  };
  return { folder, run };
};

/** What differs from run to run and machine to machine, replaced by names. */
const normalise = (text: string, folder: string): string =>
  text
    .replaceAll(folder, "DIR")
    .replace(/\b[0-9a-f]{64}\b/g, "DIGEST")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/127\.0\.0\.1 - \d+/g, "127.0.0.1 - TREE")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
    .replace(/\(\d+\.\d s\)/g, "(TOOK)");
