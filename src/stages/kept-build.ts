import type { BuildInputs, BuildRequest } from "../clients/build-source.ts";
import type { Builder } from "../clients/builder.ts";
import type { Files } from "../clients/files.ts";
import { BUILD_RECORD_NAME, type BuildRecord, parseBuildRecord } from "../formats/build-record.ts";
import { hex } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import { isDistribution } from "./3-verify.ts";

/**
 * When an earlier build stays as it is: where its source is the same, or where the commit is too,
 * as a job needs whose certificate names the commit.
 */
export type KeepRule = "same-source" | "same-commit";

/** A killed write's remains: see the clients that write. */
export const REMAINS = /^\..+\.\d+\.\d+\.tmp$/;

const MAX_RECORD = 16 * 1024 * 1024;

type Clients = { readonly builder: Builder; readonly files: Files };
type Input = BuildRequest & { readonly keep?: KeepRule };

/**
 * The record of the build in `input.out`, where it is what building now would be made from:
 * same source, settings and Python, and every file there with the recorded digest. `undefined`
 * where it must be built.
 *
 * Fails as the builder's `inputs` does, and with the FILE_ codes.
 */
export const keptBuild = async (
  input: Input,
  { builder, files }: Clients,
): Promise<Result<BuildRecord | undefined>> => {
  const { out } = input;
  const bytes = await files.readIfPresent(`${out}/${BUILD_RECORD_NAME}`, MAX_RECORD);
  if (!bytes.ok || bytes.value === undefined) return bytes.ok ? ok(undefined) : bytes;
  const record = parseBuildRecord(bytes.value);
  // A record that cannot be read is made anew.
  if (!record.ok) return ok(undefined);
  const intact = await isIntact(out, files, record.value);
  if (!intact.ok || !intact.value) return intact.ok ? ok(undefined) : intact;
  const inputs = await builder.inputs(input);
  if (!inputs.ok) return inputs;
  if (!isSame(record.value, inputs.value, input)) return ok(undefined);
  const cleaned = await removeRemains(out, files);
  return cleaned.ok ? record : cleaned;
};

/** All the distributions of the record, byte for byte, and no other one. */
const isIntact = async (
  out: string,
  files: Files,
  { distributions }: BuildRecord,
): Promise<Result<boolean>> => {
  const names = await files.list(out);
  if (!names.ok) return names;
  const present = names.value.filter(isDistribution);
  if (distributions.length === 0 || present.length !== distributions.length) return ok(false);
  for (const { filename, sha256 } of distributions) {
    if (!present.includes(filename)) return ok(false);
    const artifact = await files.artifact(`${out}/${filename}`);
    if (!artifact.ok) return artifact;
    if (hex(artifact.value.sha256) !== sha256) return ok(false);
  }
  return ok(true);
};

const isSame = (record: BuildRecord, now: BuildInputs, { reproducible, keep }: Input): boolean => {
  const { source, settings, python } = record;
  return (
    source.digest !== undefined &&
    source.digest === now.source.digest &&
    source.surroundings === now.source.surroundings &&
    source.dirty === now.source.dirty &&
    source.sourceDateEpoch === now.source.sourceDateEpoch &&
    (keep === "same-source" || source.commit === now.source.commit) &&
    settings.reproducible === reproducible &&
    sameText(settings.metadata, now.metadata) &&
    sameText(python, now.python)
  );
};

const sameText = (
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean => {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
};

const removeRemains = async (out: string, files: Files): Promise<Result<void>> => {
  const names = await files.list(out);
  if (!names.ok) return names;
  for (const name of names.value.filter((one) => REMAINS.test(one))) {
    const removed = await files.remove(`${out}/${name}`);
    if (!removed.ok) return removed;
  }
  return ok(undefined);
};
