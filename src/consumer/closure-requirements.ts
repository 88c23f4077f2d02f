import { asSha256 } from "../clients/simple-link.ts";
import { parseName, shown } from "../dists/name.ts";
import { parseVersion } from "../dists/version.ts";
import { fromUtf8 } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import {
  asClosure,
  type Closure,
  type ClosureEntry,
  checkMarker,
  MAX_LOCK_BYTES,
  MAX_PACKAGE_FILES,
  MAX_PACKAGES,
} from "./closure.ts";

type Line = { readonly number: number; readonly text: string };

/** Lines as pip joins them: a backslash at the end goes on, comments and empty lines are gone. */
const logicalLines = (text: string): Line[] => {
  const lines: Line[] = [];
  let begun: Line | undefined;
  for (const [at, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const comment = /^\s*#/.test(raw);
    const continued = !comment && raw.endsWith("\\");
    const part = comment ? "" : continued ? raw.slice(0, -1) : raw;
    begun = { number: begun?.number ?? at + 1, text: `${begun?.text ?? ""} ${part}` };
    if (continued) continue;
    lines.push({ ...begun, text: begun.text.replace(/\s#.*$/, "").trim() });
    begun = undefined;
  }
  if (begun !== undefined) lines.push({ ...begun, text: begun.text.trim() });
  return lines.filter(({ text: one }) => one !== "");
};

/** Python ends lines at some of these, and spaces or texts are other ones elsewhere. */
const UNCLEAR = /[^\P{Cc}\t\r\n]|[\u2028\u2029\ufeff]/u;

/** An encoding that pip would read the file by, as a comment in its first two lines names it. */
const ENCODING = /^#.*?coding[:=][ \t]*([-\w.]+)/;

/** Why another reader could see other lines in a text than this one, if it could. */
const otherReading = (text: string): string | undefined => {
  const unclear = UNCLEAR.exec(text);
  if (unclear !== null) {
    const number = text.slice(0, unclear.index).split(/\r\n|\r|\n/).length;
    const code = unclear[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `${number}: the character U+${code} ends a line for some readers, and not for others`;
  }
  for (const [at, line] of text.split("\n").slice(0, 2).entries()) {
    const encoding = ENCODING.exec(line)?.[1];
    if (encoding === undefined || /^utf[-_]?8$/i.test(encoding)) continue;
    return `${at + 1}: the encoding ${shown(encoding)} is not UTF-8`;
  }
  return undefined;
};

const REQUIREMENT =
  /^([A-Za-z0-9._-]+)\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*==\s*([^\s;=]+)\s*(?:;(.*))?$/;

const digestsOf = (options: readonly string[]): string[] | undefined => {
  const digests = options.map((option) =>
    asSha256(/^--hash[= ]sha256:(\S+)$/.exec(option.trim())?.[1]),
  );
  const known = digests.filter((digest) => digest !== undefined);
  return known.length === options.length && known.length > 0 ? known : undefined;
};

const readLine = (file: string, { number, text }: Line): Result<ClosureEntry> => {
  const refuse = (why: string) => fail("LOCK_FORMAT", `${file}:${number}: ${shown(text)} ${why}`);
  if (text.startsWith("-")) return refuse("is an option, and only pinned requirements are read");
  const [requirement = "", ...options] = text.split(/\s(?=--)/);
  const [, named, pinned, marker] = REQUIREMENT.exec(requirement.trim()) ?? [];
  if (named === undefined || pinned === undefined) return refuse("is not NAME==VERSION");
  const name = parseName(named);
  const version = parseVersion(pinned);
  if (!name.ok || !version.ok) return refuse("is not NAME==VERSION");
  const condition = marker === undefined ? ok(undefined) : checkMarker(marker);
  if (!condition.ok) return refuse("has no marker after its ;");
  const digests = digestsOf(options);
  if (digests === undefined) return refuse("needs --hash=sha256:HEX, and takes no other option");
  if (digests.length > MAX_PACKAGE_FILES) return refuse(`has ${digests.length} hashes`);
  return ok({
    brand: "ClosureEntry",
    name: name.value,
    version: version.value,
    ...(condition.value === undefined ? {} : { marker: condition.value }),
    from: "index",
    files: [],
    digests: [...new Set(digests)],
    identities: [],
  });
};

/**
 * Reads a requirements file that pins every package with hashes, as `uv export` and `pip-compile
 * --generate-hashes` write it. Nothing else is read: no includes, URLs, editables or options of
 * indexes, since each of them would bring in what the lock does not state.
 *
 * @returns FORMAT_SIZE, LOCK_FORMAT with the line
 */
export const parseRequirements = (bytes: Uint8Array, file: string): Result<Closure> => {
  if (bytes.length > MAX_LOCK_BYTES) {
    return fail("FORMAT_SIZE", `${file} has more than ${MAX_LOCK_BYTES} bytes`);
  }
  const text = fromUtf8(bytes);
  if (!text.ok) return fail("LOCK_FORMAT", `${file} is not UTF-8`);
  const unclear = otherReading(text.value);
  if (unclear !== undefined) return fail("LOCK_FORMAT", `${file}:${unclear}`);
  const lines = logicalLines(text.value);
  if (lines.length > MAX_PACKAGES) {
    return fail("FORMAT_SIZE", `${file} has more than ${MAX_PACKAGES} packages`);
  }
  const entries = all(lines.map((line) => readLine(file, line)));
  if (!entries.ok) return entries;
  return asClosure({ format: "requirements", entries: entries.value, unverifiable: [] });
};
