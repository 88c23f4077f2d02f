import { inspectBytes, openFile } from "../clients/archive.ts";
import type { Files } from "../clients/files.ts";
import { fieldValues, MAX_METADATA, parseMetadata } from "../dists/metadata.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type EvidenceSource, type ReleaseVerdict, verifyRelease } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import type { FileRow, FileView } from "../web/console.ts";
import type { StackView } from "./stack.ts";
import type { Trust } from "./trust.ts";

/** By what the console verifies: what `wheelseal consume` would, in the same place. */
export type Judged = {
  readonly trust: Trust;
  readonly expect: Expected;
  readonly files: Files;
  readonly now: () => number;
};

type Registry = StackView["registry"];

/** A file of the index, as the registry has it; `undefined` where it is gone. */
const storedFor = (registry: Registry, { source, sha256 }: FileRow) => {
  const [stored] = registry.addedAfter(source - 1, 1);
  return stored?.id === source && stored.sha256 === sha256 ? stored : undefined;
};

/** The evidence beside a file in the stack's generic registry. */
const evidenceIn =
  (registry: Registry, files: Files, project: string, row: FileRow): EvidenceSource =>
  async (name) => {
    const found = registry.latest(project, "generic", row.project, row.version, name);
    return found === undefined
      ? ok(undefined)
      : files.read(registry.pathOf(found.blob), MAX_EVIDENCE_BYTES);
  };

const inspectAs = async (filename: string, path: string) => {
  const file = await openFile(path);
  if (!file.ok) return file;
  try {
    return await inspectBytes(filename, file.value.access);
  } finally {
    await file.value.close();
  }
};

/**
 * Verifies a file of the stack's registry as a consumer would: the bytes that are served, the
 * evidence beside them, the one path.
 */
export const verifyStored = async (
  { trust, expect, files, now }: Judged,
  registry: Registry,
  row: FileRow,
): Promise<Result<ReleaseVerdict>> => {
  const stored = storedFor(registry, row);
  if (stored === undefined) return fail("REGISTRY_NOT_FOUND", `${row.filename} is not there`);
  const path = registry.pathOf(stored.blob);
  const artifact = await files.artifact(path);
  if (!artifact.ok) return artifact;
  return ok(
    await verifyRelease({
      // Among the blobs it is named by its digest.
      artifact: { ...artifact.value, name: row.filename },
      evidence: evidenceIn(registry, files, stored.project, row),
      inspect: () => inspectAs(row.filename, path),
      expect,
      trust: trust.root,
      now: now(),
    }),
  );
};

type Said = Pick<FileView, "size" | "summary" | "requiresPython" | "license">;

/** What a file says of itself, as the registry has it. */
export const describeStored = async (
  files: Files,
  registry: Registry,
  row: FileRow,
): Promise<Said> => {
  const stored = storedFor(registry, row);
  const none = { size: stored?.size, summary: "", license: "" };
  const said = { ...none, requiresPython: stored?.requiresPython ?? "" };
  if (stored === undefined || stored.metadata === null) return said;
  const bytes = await files.read(registry.pathOf(stored.metadata), MAX_METADATA);
  const metadata = bytes.ok ? parseMetadata(bytes.value) : bytes;
  if (!metadata.ok) return said;
  const first = (field: string): string => fieldValues(metadata.value, field)[0] ?? "";
  return {
    ...said,
    summary: first("Summary"),
    license: first("License-Expression") || first("License"),
  };
};
