import { fail, ok, type Result } from "../formats/result.ts";
import { type HeaderField, parseHeaders, valuesOf } from "./headers.ts";
import { type NormalizedName, parseName, shown } from "./name.ts";
import { equalVersions, parseVersion, type Version } from "./version.ts";

/** Core metadata: what METADATA of a wheel and PKG-INFO of an sdist hold. */
export type CoreMetadata = {
  /** `major.minor`, for example `2.4`. */
  readonly metadataVersion: string;
  /** As written: `Zope.Interface`. */
  readonly displayName: string;
  readonly name: NormalizedName;
  readonly version: Version;
  /** A version specifier, as written. */
  readonly requiresPython?: string;
  /** Field names in lower case that the build may still change (PEP 643). */
  readonly dynamic: readonly string[];
  /** Every field in the order of the file; a description in the body comes last. */
  readonly fields: readonly HeaderField[];
  /** What was accepted but is worth saying. */
  readonly notes: readonly string[];
};

/** Larger metadata than this is refused unread, in bytes. */
export const MAX_METADATA = 4 * 1024 * 1024;

const KNOWN_VERSIONS = ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5"];

/** Fields that stand at most once, in lower case. */
const SINGLE = new Set([
  "metadata-version",
  "name",
  "version",
  "summary",
  "description",
  "description-content-type",
  "keywords",
  "home-page",
  "download-url",
  "author",
  "author-email",
  "maintainer",
  "maintainer-email",
  "license",
  "license-expression",
  "requires-python",
]);

/** The values of a field in their order; `name` in any case. Absent is the empty list. */
export const fieldValues = (metadata: CoreMetadata, name: string): string[] =>
  valuesOf(metadata.fields, name.toLowerCase());

/**
 * Reads METADATA or PKG-INFO. Every tool must read the same fields from it, so a line that is
 * neither header nor continuation, a repeated single field, and control characters are refused.
 * An unknown major version fails; a higher minor version is accepted with a note.
 * @param bytes - UTF-8, RFC 822 style headers, then the description as body
 * @returns DIST_METADATA, DIST_NAME, DIST_VERSION or FORMAT_SIZE
 * @see https://packaging.python.org/en/latest/specifications/core-metadata/
 */
export const parseMetadata = (bytes: Uint8Array): Result<CoreMetadata> => {
  if (bytes.length > MAX_METADATA) {
    return fail("FORMAT_SIZE", `core metadata has ${bytes.length} bytes, over ${MAX_METADATA}`);
  }
  const parsed = parseHeaders(bytes, "core metadata");
  if (!parsed.ok) return parsed;
  const { headers, body } = parsed.value;
  const fields = body === "" ? headers : [...headers, { name: "Description", value: body }];
  const repeated = [...SINGLE].find((name) => valuesOf(fields, name).length > 1);
  if (repeated !== undefined) return refuse(`has the field ${repeated} more than once`);
  return interpret(fields);
};

const refuse = (why: string) => fail("DIST_METADATA", `core metadata ${why}`);

const interpret = (fields: readonly HeaderField[]): Result<CoreMetadata> => {
  const metadataVersion = required(fields, "metadata-version");
  if (!metadataVersion.ok) return metadataVersion;
  const notes = noteVersion(metadataVersion.value);
  if (!notes.ok) return notes;
  const displayName = required(fields, "name");
  if (!displayName.ok) return displayName;
  const name = parseName(displayName.value);
  if (!name.ok) return name;
  const versionText = required(fields, "version");
  if (!versionText.ok) return versionText;
  const version = parseVersion(versionText.value);
  if (!version.ok) return version;
  const dynamic = parseDynamic(fields);
  if (!dynamic.ok) return dynamic;
  const [requiresPython] = valuesOf(fields, "requires-python");
  return ok({
    metadataVersion: metadataVersion.value,
    displayName: displayName.value,
    name: name.value,
    version: version.value,
    ...(requiresPython === undefined ? {} : { requiresPython }),
    dynamic: dynamic.value,
    fields,
    notes: notes.value,
  });
};

const required = (fields: readonly HeaderField[], lowerName: string): Result<string> => {
  const [value] = valuesOf(fields, lowerName);
  return value === undefined ? refuse(`lacks the field ${lowerName}`) : ok(value);
};

const noteVersion = (text: string): Result<string[]> => {
  if (KNOWN_VERSIONS.includes(text)) return ok([]);
  if (!/^[12]\.[0-9]{1,3}$/.test(text)) {
    return refuse(`has version ${shown(text)}; 1.0 to 2.5 are known`);
  }
  return ok([`metadata version ${text} is newer than 2.5: its new fields were not looked at`]);
};

/** Identity must not change between sdist and wheel, so these may not be dynamic (PEP 643). */
const FIXED = ["metadata-version", "name", "version"];

const parseDynamic = (fields: readonly HeaderField[]): Result<string[]> => {
  const dynamic = valuesOf(fields, "dynamic").map((value) => value.toLowerCase());
  const fixed = dynamic.find((name) => FIXED.includes(name));
  return fixed === undefined ? ok(dynamic) : refuse(`marks ${fixed} as dynamic`);
};

/** Fails with DIST_METADATA or DIST_VERSION when core metadata is of another release than a file name. */
export const compareRelease = (
  metadata: CoreMetadata,
  distribution: { readonly filename: string; readonly name: string; readonly version: Version },
): Result<void> => {
  if (metadata.name !== distribution.name) {
    return refuse(`of ${distribution.filename} names the project ${metadata.displayName}`);
  }
  return equalVersions(metadata.version, distribution.version)
    ? ok(undefined)
    : fail(
        "DIST_VERSION",
        `core metadata of ${distribution.filename} has the version ${metadata.version}`,
      );
};
