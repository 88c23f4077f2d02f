import { asSha256, checkFilename, lastSegment } from "../clients/simple-link.ts";
import { parseToml } from "../clients/toml.ts";
import { parseName } from "../dists/name.ts";
import { parseVersion, type Version } from "../dists/version.ts";
import { fromUtf8 } from "../formats/bytes.ts";
import { type Json, readJson } from "../formats/json.ts";
import { fail, type Result } from "../formats/result.ts";
import { readAttestationIdentity } from "./attestation-identity.ts";
import {
  asClosure,
  belongsTo,
  type Closure,
  type ClosureEntry,
  type ClosureFile,
  checkMarker,
  MAX_LOCK_BYTES,
  MAX_PACKAGE_FILES,
  MAX_PACKAGES,
  type Unverifiable,
} from "./closure.ts";

const MAX_IDENTITIES = 64;
const MAX_HASHES = 16;

const address = (json: Json): string => {
  const url = URL.parse(json.string());
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return json.refuse("is not an http or https URL");
  }
  if (url.username !== "" || url.password !== "") return json.refuse("holds credentials");
  url.hash = "";
  return url.href;
};

const optionalAddress = (json: Json | undefined): string | undefined =>
  json === undefined ? undefined : address(json);

/** The one digest: installers take a file that has any digest of several, and we compare one. */
const sha256Of = (file: Json): string => {
  const hashes = file.field("hashes");
  const stated = hashes.field("sha256");
  const other = hashes.members(MAX_HASHES).find(([algorithm]) => algorithm !== "sha256");
  if (other !== undefined) other[1].refuse("is a digest that is not compared: leave sha256 alone");
  return asSha256(stated.string()) ?? stated.refuse("is not a SHA-256");
};

/** A wheel, an sdist or an archive; `undefined` where it is a path on somebody's machine. */
const readFile = (json: Json): ClosureFile | undefined => {
  const stated = json.optional("url");
  if (stated === undefined) {
    json.field("path");
    return undefined;
  }
  const url = address(stated);
  const filename = json.optional("name")?.string() ?? lastSegment(url);
  const size = json.optional("size")?.integer();
  return {
    filename: json.take(checkFilename(filename)),
    sha256: sha256Of(json),
    url,
    ...(size === undefined ? {} : { size }),
  };
};

/** The tables of a package that say where it comes from; exactly one kind of source is allowed. */
const sourcesOf = (json: Json) => ({
  trees: (["vcs", "directory"] as const).filter((kind) => json.optional(kind) !== undefined),
  archive: json.optional("archive"),
  sdist: json.optional("sdist"),
  wheels: json.optional("wheels")?.items(MAX_PACKAGE_FILES) ?? [],
});

const readPackage = (json: Json): ClosureEntry | Unverifiable => {
  const name = json.take(parseName(json.field("name").string()));
  const { trees, archive, sdist, wheels } = sourcesOf(json);
  const listed = [...wheels, ...(sdist === undefined ? [] : [sdist])];
  const kinds = [...trees, archive, listed[0]].filter((one) => one !== undefined);
  if (kinds.length !== 1) json.refuse("must have exactly one source: an index, archive or tree");
  const [tree] = trees;
  if (tree !== undefined) return { name, kind: tree };
  const files = (archive === undefined ? listed : [archive]).map(readFile);
  const known = files.filter((file) => file !== undefined);
  if (known.length !== files.length) return { name, kind: "path" };
  const written = json.optional("version");
  const stated = written?.take(parseVersion(written.string()));
  const version = known.reduce<Version | undefined>(
    (so, { filename }) => json.take(belongsTo(filename, name, so)),
    stated,
  );
  if (version === undefined) return json.refuse("has no version");
  const condition = json.optional("marker");
  const marker = condition?.take(checkMarker(condition.string()));
  const identities = json.optional("attestation-identities")?.items(MAX_IDENTITIES) ?? [];
  return {
    brand: "ClosureEntry",
    name,
    version,
    ...(marker === undefined ? {} : { marker }),
    from: archive === undefined ? "index" : "archive",
    files: known,
    digests: [],
    identities: identities.map(readAttestationIdentity),
  };
};

/** The index that all packages come from which come from one. */
const indexOf = (tables: readonly Json[]): string | undefined => {
  const listed = tables.filter((one) => one.optional("wheels") ?? one.optional("sdist"));
  const indexes = new Set(listed.map((one) => optionalAddress(one.optional("index"))));
  const [index] = indexes;
  return indexes.size === 1 ? index : undefined;
};

const readPylock = (json: Json): Closure => {
  const version = json.field("lock-version");
  if (!/^1\.\d+$/.test(version.string())) version.refuse("is not 1.0");
  const tables = json.field("packages").items(MAX_PACKAGES);
  const packages = tables.map(readPackage);
  const index = indexOf(tables);
  return {
    format: "pylock",
    ...(index === undefined ? {} : { index }),
    entries: packages.filter((one): one is ClosureEntry => "brand" in one),
    unverifiable: packages.filter((one): one is Unverifiable => !("brand" in one)),
  };
};

/**
 * Reads a pylock.toml: every wheel, sdist and archive with its SHA-256; source trees and local
 * paths are listed apart.
 *
 * @returns FORMAT_SIZE, FORMAT_TOML, LOCK_FORMAT with the place
 * @see PEP 751
 */
export const parsePylock = (bytes: Uint8Array, file: string): Result<Closure> => {
  if (bytes.length > MAX_LOCK_BYTES) {
    return fail("FORMAT_SIZE", `${file} has more than ${MAX_LOCK_BYTES} bytes`);
  }
  const text = fromUtf8(bytes);
  if (!text.ok) return fail("FORMAT_TOML", `${file} is not UTF-8`);
  const document = parseToml(text.value, file);
  if (!document.ok) return document;
  const read = readJson(document.value, "LOCK_FORMAT", file, readPylock);
  return read.ok ? asClosure(read.value) : read;
};
