import { lstat, readlink, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { artifactOfBytes } from "../formats/artifact.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import { buildingVariables, type Environment } from "./environment.ts";
import { systemFiles } from "./files.ts";
import { gitNames } from "./git.ts";
import { parseToml } from "./toml.ts";

/** SHA-256 of text, lower-case hexadecimal. */
const textDigest = (text: string): string => hex(artifactOfBytes(utf8(text)).sha256);

const fileDigest = async (path: string): Promise<Result<string>> => {
  const artifact = await systemFiles.artifact(path);
  return artifact.ok ? ok(hex(artifact.value.sha256)) : artifact;
};

/** Git's names of the modes; of a link its text counts, and the file that it leads to. */
const lineOf = async (folder: string, path: string): Promise<Result<string>> => {
  const full = join(folder, path);
  const name = path.split(sep).join("/");
  const found = await lstat(full);
  if (!found.isSymbolicLink()) {
    const digest = await fileDigest(full);
    const mode = (found.mode & 0o100) === 0 ? "100644" : "100755";
    return digest.ok ? ok(`${mode} ${digest.value} ${name}\0`) : digest;
  }
  const link = `120000 ${textDigest(await readlink(full))} ${name}\0`;
  const behind = await stat(full).catch(() => undefined);
  if (behind?.isFile() !== true) return ok(link);
  const digest = await fileDigest(full);
  return digest.ok ? ok(`${link}${digest.value}\0`) : digest;
};

/**
 * A fingerprint of source files: SHA-256, in lower-case hexadecimal, over mode, content digest and
 * path of each, sorted by path. Times and owners do not count.
 */
export const sourceDigest = async (
  folder: string,
  paths: readonly string[],
): Promise<Result<string>> => {
  let text = "";
  for (const path of paths.toSorted()) {
    const line = await lineOf(folder, path);
    if (!line.ok) return line;
    text += line.value;
  }
  return ok(textDigest(text));
};

/** Build requirements that take a version from git, whatever pyproject.toml says. */
const FROM_GIT = /scm|vcs|git|versioneer|dunamai|dynamic/i;

const hasStaticVersion = (pyproject: string): boolean => {
  const parsed = parseToml(pyproject, "pyproject.toml");
  if (!parsed.ok) return false;
  const { project, "build-system": system } = parsed.value;
  const version = (project as { version?: unknown } | undefined)?.version;
  return typeof version === "string" && !FROM_GIT.test(JSON.stringify(system ?? ""));
};

/**
 * A fingerprint, in the same form, of what else a build may depend on: the variables for compilers
 * and backends and, unless the version stands in `pyproject` (the file's text), commit and tags.
 */
export const surroundingsDigest = async (
  project: string,
  pyproject: string,
  environment: Environment,
): Promise<string> => {
  const variables = Object.entries(buildingVariables(environment)).toSorted();
  const names = hasStaticVersion(pyproject) ? "" : await gitNames(project, environment);
  return textDigest(JSON.stringify([variables, names]));
};
