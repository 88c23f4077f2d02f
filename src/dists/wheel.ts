import { hasher } from "../crypto/hash.ts";
import { equal, hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { MAX_ENTRY_POINTS, parseScripts } from "./entry-points.ts";
import { parseDistributionFilename, type WheelFilename } from "./filename.ts";
import { DEFAULT_LIMITS, type Finding, type Limits, type Member } from "./finding.ts";
import type { InflateRaw, RandomAccess } from "./inflate.ts";
import { type CoreMetadata, compareRelease, MAX_METADATA, parseMetadata } from "./metadata.ts";
import { shown } from "./name.ts";
import { MAX_RECORD, parseRecord, type RecordEntry, type WheelRecord } from "./record.ts";
import { compareWheelFile, MAX_WHEEL_FILE, parseWheelFile, type WheelFile } from "./wheel-file.ts";
import { layOut } from "./wheel-layout.ts";
import { readZip, type ZipEntry } from "./zip.ts";
import { memberBytes, readMember } from "./zip-member.ts";

/** What was found true of a wheel, and what a person may want to look at. */
export type WheelReport = {
  readonly kind: "wheel";
  readonly distribution: WheelFilename;
  readonly metadata: CoreMetadata;
  /** METADATA byte for byte: what an index must serve as its sidecar (PEP 658). */
  readonly metadataFile: Uint8Array;
  readonly wheelFile: WheelFile;
  /** Every regular file, in the order of the archive. */
  readonly members: readonly Member[];
  readonly findings: readonly Finding[];
};

/**
 * Proves that a wheel is what its file name says and can be read in one way only: the zip's
 * structure, one dist-info folder, name and version the same in file name, dist-info and METADATA,
 * tags the same in file name and WHEEL, and RECORD exact in both directions with every hash.
 *
 * @param filename - without folders
 * @returns DIST_NAME, DIST_VERSION, DIST_ZIP, DIST_PATH, DIST_SIZE, DIST_METADATA or DIST_RECORD
 * @see PEP 427 and https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
export const checkWheel = async (
  filename: string,
  zip: RandomAccess,
  inflateRaw: InflateRaw,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Result<WheelReport>> => {
  const distribution = parseDistributionFilename(filename);
  if (!distribution.ok) return distribution;
  if (distribution.value.kind !== "wheel") return fail("DIST_NAME", `${filename} is no wheel`);
  const entries = await readZip(zip, limits);
  if (!entries.ok) return entries;
  const files = entries.value.filter((entry) => entry.kind === "file");
  const pathsOf = (kind: ZipEntry["kind"]) =>
    entries.value.filter((entry) => entry.kind === kind).map((entry) => entry.path);
  const layout = layOut(distribution.value, pathsOf("file"), pathsOf("folder"));
  if (!layout.ok) return layout;
  const wheel = { zip, inflateRaw, files, distInfo: layout.value.distInfo };
  const about = await readDistInfo(wheel, distribution.value);
  if (!about.ok) return about;
  const members = await compareRecord(wheel, about.value.record);
  if (!members.ok) return members;
  const { metadata, metadataFile, wheelFile, findings } = about.value;
  return ok({
    kind: "wheel",
    distribution: distribution.value,
    metadata,
    metadataFile,
    wheelFile,
    members: members.value,
    findings: [...layout.value.findings, ...findings],
  });
};

type OpenWheel = {
  readonly zip: RandomAccess;
  readonly inflateRaw: InflateRaw;
  readonly files: readonly ZipEntry[];
  readonly distInfo: string;
};

type DistInfo = Pick<WheelReport, "metadata" | "metadataFile" | "wheelFile" | "findings"> & {
  readonly record: WheelRecord;
};

const readDistInfo = async (
  wheel: OpenWheel,
  distribution: WheelFilename,
): Promise<Result<DistInfo>> => {
  const metadataFile = await readFile(wheel, "METADATA", MAX_METADATA);
  if (!metadataFile.ok) return metadataFile;
  const metadata = parseMetadata(metadataFile.value);
  if (!metadata.ok) return metadata;
  const same = compareRelease(metadata.value, distribution);
  if (!same.ok) return same;
  const wheelBytes = await readFile(wheel, "WHEEL", MAX_WHEEL_FILE);
  if (!wheelBytes.ok) return wheelBytes;
  const wheelFile = parseWheelFile(wheelBytes.value);
  if (!wheelFile.ok) return wheelFile;
  const tagged = compareWheelFile(wheelFile.value, distribution);
  if (!tagged.ok) return tagged;
  const recordBytes = await readFile(wheel, "RECORD", MAX_RECORD);
  if (!recordBytes.ok) return recordBytes;
  const record = parseRecord(recordBytes.value, `${wheel.distInfo}/RECORD`);
  if (!record.ok) return record;
  const scripts = await findScripts(wheel);
  if (!scripts.ok) return scripts;
  const notes = [...metadata.value.notes, ...wheelFile.value.notes];
  return ok({
    metadata: metadata.value,
    metadataFile: metadataFile.value,
    wheelFile: wheelFile.value,
    record: record.value,
    findings: [
      ...scripts.value,
      ...notes.map((detail) => ({ kind: "metadata-note" as const, path: wheel.distInfo, detail })),
    ],
  });
};

const readFile = async (
  wheel: OpenWheel,
  name: string,
  maxBytes: number,
): Promise<Result<Uint8Array>> => {
  const path = `${wheel.distInfo}/${name}`;
  const entry = wheel.files.find((file) => file.path === path);
  return entry === undefined
    ? fail("DIST_METADATA", `the wheel has no ${path}`)
    : memberBytes(wheel.zip, entry, wheel.inflateRaw, maxBytes);
};

const findScripts = async (wheel: OpenWheel): Promise<Result<Finding[]>> => {
  const path = `${wheel.distInfo}/entry_points.txt`;
  if (!wheel.files.some((file) => file.path === path)) return ok([]);
  const bytes = await readFile(wheel, "entry_points.txt", MAX_ENTRY_POINTS);
  if (!bytes.ok) return bytes;
  const scripts = parseScripts(bytes.value);
  if (!scripts.ok) return scripts;
  const detail = ({ name, target }: { name: string; target: string }) =>
    `the command ${name} runs ${target}`;
  return ok(
    scripts.value.map((script) => ({ kind: "script" as const, path, detail: detail(script) })),
  );
};

/** Both directions: each file is listed and hashes to what is listed, and nothing else is. */
const compareRecord = async (wheel: OpenWheel, record: WheelRecord): Promise<Result<Member[]>> => {
  const recordPath = `${wheel.distInfo}/RECORD`;
  const present = new Set<string>(wheel.files.map((file) => file.path));
  for (const path of record.keys()) {
    if (!present.has(path)) {
      return fail("DIST_RECORD", `RECORD lists ${shown(path)}, which is not in the wheel`);
    }
  }
  const members: Member[] = [];
  for (const file of wheel.files) {
    const listed = record.get(file.path);
    if (listed === undefined && file.path !== recordPath) {
      return fail("DIST_RECORD", `RECORD does not list ${shown(file.path)}`);
    }
    const member = await digestMember(wheel, file, listed);
    if (!member.ok) return member;
    members.push(member.value);
  }
  return ok(members);
};

const digestMember = async (
  { zip, inflateRaw }: OpenWheel,
  file: ZipEntry,
  listed: RecordEntry | undefined,
): Promise<Result<Member>> => {
  const sha256 = hasher("sha256");
  const other = listed === undefined || listed.hash === "sha256" ? undefined : hasher(listed.hash);
  const read = await readMember(zip, file, inflateRaw, (chunk) => {
    sha256.update(chunk);
    other?.update(chunk);
  });
  if (!read.ok) return read;
  const digest = sha256.digest();
  const hashed = other === undefined ? digest : other.digest();
  if (listed !== undefined && !equal(hashed, listed.digest)) {
    return fail("DIST_RECORD", `${shown(file.path)} has another hash than RECORD says`);
  }
  if (listed?.size !== undefined && listed.size !== file.size) {
    return fail("DIST_RECORD", `${shown(file.path)} has another size than RECORD says`);
  }
  return ok({ path: file.path, size: file.size, sha256: hex(digest) });
};

/**
 * Compares the metadata file that an index serves beside a wheel with the wheel's own.
 * @returns DIST_SIDECAR unless they are the same bytes
 * @see PEP 658
 */
export const compareSidecar = (wheel: WheelReport, sidecar: Uint8Array): Result<void> =>
  equal(wheel.metadataFile, sidecar)
    ? ok(undefined)
    : fail(
        "DIST_SIDECAR",
        `the metadata served for ${wheel.distribution.filename} is not its METADATA`,
      );
