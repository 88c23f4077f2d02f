import { parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Audit } from "./audit.ts";
import { readAudit } from "./audit-read.ts";
import type { Kit } from "./kit-archive.ts";
import { KIT_PLACES } from "./kit-manifest.ts";
import { readMember } from "./kit-verify.ts";

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
  const differs = difference(kit, audit.value);
  return differs === undefined ? audit : fail("KIT_MANIFEST", `report.json ${differs}`);
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
