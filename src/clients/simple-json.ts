import type { NormalizedName } from "../dists/name.ts";
import { parseName } from "../dists/name.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, type Result } from "../formats/result.ts";
import { parseRfc3339 } from "../formats/rfc3339.ts";
import type { IndexFile } from "./simple-index.ts";
import { asSha256, checkFilename, MAX_FILES, resolveLink } from "./simple-link.ts";

const MAX_PAGE = 32 * 1024 * 1024;

const yankedOf = (file: Json): string | undefined => {
  const yanked = file.optional("yanked");
  if (yanked === undefined || yanked.value === false) return undefined;
  return yanked.value === true ? "" : yanked.string();
};

/** PEP 714: `core-metadata`, and its earlier name where that is absent. */
const coreMetadataOf = (file: Json): IndexFile["coreMetadata"] => {
  const stated = file.optional("core-metadata") ?? file.optional("dist-info-metadata");
  if (stated === undefined || stated.value === false) return undefined;
  if (stated.value === true) return {};
  const sha256 = asSha256(stated.optional("sha256")?.string());
  return sha256 === undefined ? {} : { sha256 };
};

const readFile = (file: Json, page: string): IndexFile => {
  const filename = file.take(checkFilename(file.field("filename").string()));
  const { url, fragment } = file.take(resolveLink(file.field("url").string(), page));
  const stated = file.field("hashes").optional("sha256")?.string();
  const sha256 = asSha256(stated ?? /^sha256=(.*)$/.exec(fragment)?.[1]);
  if (stated !== undefined && sha256 === undefined) file.refuse("has a malformed sha256");
  const requiresPython = file.optional("requires-python")?.string();
  const yanked = yankedOf(file);
  const coreMetadata = coreMetadataOf(file);
  const provenance = file.optional("provenance")?.string();
  const size = file.optional("size")?.integer();
  const uploadTime = parseRfc3339(file.optional("upload-time")?.string() ?? "");
  return {
    filename,
    url,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(requiresPython === undefined || requiresPython === "" ? {} : { requiresPython }),
    ...(yanked === undefined ? {} : { yanked }),
    ...(coreMetadata === undefined ? {} : { coreMetadata }),
    ...(provenance === undefined
      ? {}
      : { provenance: file.take(resolveLink(provenance, page)).url }),
    ...(size === undefined ? {} : { size }),
    ...(uploadTime === undefined ? {} : { uploadTime }),
  };
};

/**
 * The files of a project's page in JSON.
 * @param page - the URL it came from, against which links are resolved
 * @returns INDEX_FORMAT
 * @see PEP 691, PEP 714, PEP 740
 */
export const parseSimpleJson = (
  name: NormalizedName,
  body: Uint8Array,
  page: string,
): Result<IndexFile[]> => {
  const parsed = parseJson(body, MAX_PAGE, "index page");
  if (!parsed.ok) return fail("INDEX_FORMAT", parsed.error.message);
  return readJson(parsed.value, "INDEX_FORMAT", "index page", (json) => {
    const version = json.field("meta").field("api-version").string();
    if (!/^1\.[0-9]+$/.test(version)) json.refuse("is not of API version 1");
    const stated = parseName(json.field("name").string());
    if (!stated.ok || stated.value !== name) json.refuse(`is not about ${name}`);
    return json
      .field("files")
      .items(MAX_FILES)
      .map((file) => readFile(file, page));
  });
};
