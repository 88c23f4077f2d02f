import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { devNull } from "node:os";
import { join } from "node:path";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Environment, plainEnvironment } from "./environment.ts";
import { lastLines, runProgram } from "./process.ts";
import { temporaryFolder } from "./temporary.ts";

export const INSTALLERS = ["pip", "uv"] as const;
export type InstallerName = (typeof INSTALLERS)[number];

/** A release to install, and the verified files from which the installer may choose. */
export type OfflineRelease = {
  readonly name: string;
  readonly version: string;
  /** Kept where it has not been decided yet. */
  readonly marker?: string;
  readonly files: readonly {
    readonly filename: string;
    readonly sha256: string;
    /** Where its verified bytes are. */
    readonly path: string;
  }[];
};

export type OfflineInstall = {
  readonly installer: InstallerName;
  /** The interpreter of the environment that is installed into. */
  readonly python: string;
  /** An interpreter whose pip installs for it; its own where absent. */
  readonly pip?: string;
  /** A folder to install into, instead of the environment itself. */
  readonly target?: string;
  readonly releases: readonly OfflineRelease[];
  /** Whether sdists may be built, which runs their code. */
  readonly sdists: boolean;
  readonly environment: Environment;
  readonly onOutput: (text: string) => void;
};

const INSTALL_TIME = 3_600_000;

/** Which files may be used is said by digest: pip and uv refuse any others. */
const requirementLine = ({ name, version, marker, files }: OfflineRelease): string => {
  const hashes = files.map(({ sha256 }) => `--hash=sha256:${sha256}`);
  const condition = marker === undefined ? "" : ` ; ${marker}`;
  return [`${name}==${version}${condition}`, ...hashes].join(" ");
};

type Place = { readonly files: string; readonly requirements: string };

const pipArguments = (wish: OfflineInstall, { files, requirements }: Place): string[] => [
  ...["-I", "-m", "pip", "--isolated"],
  ...(wish.pip === undefined ? [] : ["--python", wish.python]),
  ...["install", "--no-input", "--disable-pip-version-check"],
  ...["--no-cache-dir", "--no-index", "--find-links", files, "--no-deps", "--require-hashes"],
  ...(wish.sdists ? [] : ["--only-binary", ":all:"]),
  // What is there already may be anything: it is replaced, of the same version too.
  ...["--force-reinstall", "--requirement", requirements],
  ...(wish.target === undefined ? [] : ["--upgrade", "--target", wish.target]),
];

const uvArguments = (wish: OfflineInstall, { files, requirements }: Place): string[] => [
  ...["pip", "install", "--no-config", "--no-progress", "--offline", "--no-python-downloads"],
  ...["--no-cache", "--no-index", "--find-links", files, "--no-deps", "--require-hashes"],
  ...(wish.sdists ? [] : ["--no-build"]),
  ...["--reinstall", "--requirements", requirements, "--python", wish.python],
  ...(wish.target === undefined ? [] : ["--target", wish.target]),
];

const environmentOf = (from: Environment, home: string): Record<string, string> => ({
  ...plainEnvironment(from),
  HOME: home,
  USERPROFILE: home,
  PIP_CONFIG_FILE: devNull,
  PYTHONNOUSERSITE: "1",
  PYTHONDONTWRITEBYTECODE: "1",
});

/**
 * Lets pip or uv install verified files and nothing else: from a private copy, without index,
 * cache, configuration and dependencies, each file by its digest. All are installed or the
 * installer's failure is told; an installer may leave a part of them then.
 *
 * @returns INSTALL_FAILED with the installer's last lines, FILE_UNREADABLE
 */
export const installOffline = async (wish: OfflineInstall): Promise<Result<void>> => {
  const { path: work, discard } = await temporaryFolder("wheelseal-offline-");
  try {
    const place = { files: join(work, "files"), requirements: join(work, "requirements.txt") };
    const home = join(work, "home");
    await mkdir(place.files);
    await mkdir(home);
    const copied = await copyAll(wish.releases, place.files);
    if (!copied.ok) return copied;
    await writeFile(place.requirements, `${wish.releases.map(requirementLine).join("\n")}\n`);
    const byPip = wish.installer === "pip";
    const ended = await runProgram(
      {
        program: byPip ? (wish.pip ?? wish.python) : "uv",
        args: byPip ? pipArguments(wish, place) : uvArguments(wish, place),
        env: environmentOf(wish.environment, home),
        cwd: home,
        timeout: INSTALL_TIME,
        onOutput: wish.onOutput,
      },
      "INSTALL_FAILED",
    );
    if (!ended.ok) return ended;
    const { exitCode, tail } = ended.value;
    return exitCode === 0 ? ok(undefined) : fail("INSTALL_FAILED", lastLines(tail, 6));
  } finally {
    await discard();
  }
};

const copyAll = async (
  releases: readonly OfflineRelease[],
  folder: string,
): Promise<Result<void>> => {
  for (const { path, filename } of releases.flatMap(({ files }) => files)) {
    try {
      await copyFile(path, join(folder, filename));
    } catch (error) {
      const code = (error as { code?: string }).code ?? "unknown error";
      return fail("FILE_UNREADABLE", `${filename} is not there any more: ${code}`);
    }
  }
  return ok(undefined);
};
