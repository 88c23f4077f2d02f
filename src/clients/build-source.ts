import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildRecord } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Environment } from "./environment.ts";
import { gitState } from "./git.ts";
import { hideEdit } from "./git-copy.ts";
import { copySource, type SourceCopy } from "./source-copy.ts";
import { sourceDigest, surroundingsDigest } from "./source-digest.ts";
import { editProject, type MetadataSettings } from "./toml.ts";

export type BuildRequest = {
  /** The project's folder: only read. */
  readonly project: string;
  /** The output folder: neither copied nor written here. */
  readonly out: string;
  readonly reproducible: boolean;
  readonly metadata: MetadataSettings;
};

/** What a build would be made from and with, as its record states it. */
export type BuildInputs = {
  readonly source: BuildRecord["source"];
  readonly metadata: BuildRecord["settings"]["metadata"];
  readonly python: BuildRecord["python"];
};

export type Prepared = { readonly copy: SourceCopy } & Pick<BuildInputs, "source" | "metadata">;

/**
 * Copies the source into `work`, takes its fingerprint, and edits the copy's metadata.
 *
 * Fails with BUILD_SOURCE, CONFIG, FORMAT_TOML or FILE_UNREADABLE.
 */
export const prepareSource = async (
  work: string,
  request: BuildRequest,
  environment: Environment,
): Promise<Result<Prepared>> => {
  const { project, out } = request;
  const state = await gitState(project, environment, out);
  if (!state.ok) return state;
  const target = join(work, "source");
  await mkdir(target);
  const copied = await copySource({ project, out, target, state: state.value, environment });
  if (!copied.ok) return copied;
  const { folder, paths, sourceDateEpoch } = copied.value;
  const digest = await sourceDigest(folder, paths);
  if (!digest.ok) return digest;
  const edited = await editCopy(copied.value, request.metadata, target, environment);
  if (!edited.ok) return edited;
  const pyproject = await readFile(join(folder, "pyproject.toml"), "utf8").catch(() => "");
  const surroundings = await surroundingsDigest(project, pyproject, environment);
  const { commitTime: _, top: __, ...origin } = state.value ?? { dirty: false, top: "" };
  const source = { ...origin, sourceDateEpoch, digest: digest.value, surroundings };
  return ok({ copy: copied.value, metadata: edited.value, source });
};

/** Edits the pyproject.toml of the copy, where anything is to be set. */
const editCopy = async (
  copy: SourceCopy,
  settings: MetadataSettings,
  target: string,
  environment: Environment,
): Promise<Result<BuildRecord["settings"]["metadata"]>> => {
  if (Object.values(settings).every((value) => value === undefined)) return ok({});
  const path = join(copy.folder, "pyproject.toml");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) {
    return fail("CONFIG", "the project has no pyproject.toml, so its metadata cannot be set");
  }
  const edited = editProject(text, settings);
  if (!edited.ok) return edited;
  if (edited.value.text === text) return ok({});
  await writeFile(path, edited.value.text);
  await utimes(path, copy.sourceDateEpoch, copy.sourceDateEpoch);
  const hidden = copy.inGit ? await hideEdit(target, path, environment) : ok(undefined);
  return hidden.ok ? ok(edited.value.changed) : hidden;
};
