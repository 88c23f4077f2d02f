import { parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Audit, partOf, unitOf } from "./audit.ts";
import { readAudit } from "./audit-read.ts";
import { type Closure, MAX_LOCK_BYTES } from "./closure.ts";
import type { Kit } from "./kit-archive.ts";
import { KIT_PLACES } from "./kit-manifest.ts";
import { readMember } from "./kit-verify.ts";
import { parseClosure } from "./read-closure.ts";

const MAX_REPORT = 64 * 1024 * 1024;

/**
 * The audit whose archive this is. It must be about the locks in the archive, and about each
 * distribution there what the manifest says of it; `undefined` for a kit.
 * @returns KIT_MANIFEST where it is not
 */
export const reportIn = async (kit: Kit): Promise<Result<Audit | undefined>> => {
  if (kit.manifest.kind === "kit") return ok(undefined);
  const bytes = await readMember(kit, KIT_PLACES.report, MAX_REPORT);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) return fail("KIT_MANIFEST", "the archive has no report.json");
  const value = parseJson(bytes.value, MAX_REPORT, KIT_PLACES.report);
  if (!value.ok) return fail("KIT_MANIFEST", value.error.message);
  const audit = readJson(value.value, "KIT_MANIFEST", KIT_PLACES.report, readAudit);
  if (!audit.ok) return audit;
  const differs =
    difference(kit, audit.value) ??
    absent(kit, audit.value) ??
    (await passedOver(kit, audit.value));
  return differs === undefined ? audit : fail("KIT_MANIFEST", `report.json ${differs}`);
};

/** What the audit found nothing wrong with is there to be verified again. */
const absent = ({ manifest }: Kit, { files }: Audit): string | undefined => {
  const present = new Set(manifest.packages.map(({ filename }) => filename));
  const file = files.find((one) => one.failure === undefined && !present.has(one.filename));
  return file && `calls ${file.filename} ${file.outcome}, which is not there`;
};

/** The lock that the audit is about, as the archive has it. */
const lockIn = async (kit: Kit, sha256: string): Promise<Result<Closure>> => {
  const path = [...kit.files.values()].find(
    (file) => file.path.startsWith(KIT_PLACES.source) && file.sha256 === sha256,
  )?.path;
  const bytes = path === undefined ? ok(undefined) : await readMember(kit, path, MAX_LOCK_BYTES);
  if (!bytes.ok) return bytes;
  if (path === undefined || bytes.value === undefined) {
    return fail("KIT_MANIFEST", "the archive has no lock");
  }
  return parseClosure(bytes.value, path.slice(KIT_PLACES.source.length));
};

/** What the lock has, or the shard of it that was audited, and the report says nothing of. */
const passedOver = async (kit: Kit, audit: Audit): Promise<string | undefined> => {
  const lock = await lockIn(kit, audit.lock.sha256);
  if (!lock.ok) return `is about a lock that cannot be read: ${lock.error.message}`;
  const { entries, unverifiable } = partOf(lock.value, audit.shard);
  const units = new Set(audit.files.map(unitOf));
  const files = new Set(audit.files.map(({ filename, sha256 }) => `${sha256} ${filename}`));
  for (const entry of entries) {
    if (!units.has(unitOf(entry))) return `says nothing of ${unitOf(entry)}`;
    const file = entry.files.find((one) => !files.has(`${one.sha256} ${one.filename}`));
    if (file !== undefined) return `says nothing of ${file.filename}`;
  }
  const trees = new Set(audit.unverifiable.map(({ name }) => name));
  const tree = unverifiable.find(({ name }) => !trees.has(name));
  return tree && `says nothing of ${tree.name}`;
};

const difference = (kit: Kit, { files, lock, since }: Audit): string | undefined => {
  const sources = [...kit.files.values()].filter(({ path }) => path.startsWith(KIT_PLACES.source));
  for (const named of [lock, ...(since === undefined ? [] : [since])]) {
    if (!sources.some(({ sha256 }) => sha256 === named.sha256)) {
      return `is about ${named.file}, which is not there`;
    }
  }
  for (const { filename, verdict, signer } of kit.manifest.packages) {
    const told = files.find((file) => file.filename === filename);
    const sha256 = kit.files.get(`${KIT_PLACES.packages}${filename}`)?.sha256;
    const same =
      told?.sha256 === sha256 &&
      told?.outcome === verdict &&
      told.signer?.identity === signer?.identity &&
      told.signer?.issuer === signer?.issuer;
    if (!same) {
      return `says something else of ${filename} than the manifest`;
    }
  }
  return undefined;
};
