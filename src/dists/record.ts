import type { HashName } from "../crypto/hash.ts";
import { fromBase64url, fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseMemberPath } from "./member-path.ts";
import { shown } from "./name.ts";

/** What RECORD says of one file. */
export type RecordEntry = {
  readonly path: string;
  readonly hash: HashName;
  /** Raw bytes. */
  readonly digest: Uint8Array;
  /** Bytes; some builders leave it out. */
  readonly size?: number;
};

/** RECORD of a wheel: every file but RECORD itself, by path. */
export type WheelRecord = ReadonlyMap<string, RecordEntry>;

/** Larger RECORD files are refused unread, in bytes. */
export const MAX_RECORD = 64 * 1024 ** 2;

/** Digest lengths in bytes; MD5 and SHA-1 are not accepted (PEP 427). */
const LENGTHS: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const isHashName = (name: string): name is HashName => Object.hasOwn(LENGTHS, name);

const refuse = (why: string) => fail("DIST_RECORD", `RECORD ${why}`);

/**
 * Reads RECORD. Every file but RECORD itself needs a hash of sha256, sha384 or sha512; RECORD must
 * list itself, without one; RECORD.jws and RECORD.p7s, which nothing could hash, are refused.
 * @param bytes - CSV (RFC 4180) of `path,hash=base64url without padding,size` in UTF-8
 * @param recordPath - the path of RECORD in the wheel
 * @returns DIST_RECORD, or DIST_PATH for a path that is none
 * @see PEP 427 and the recording-installed-packages specification
 */
export const parseRecord = (bytes: Uint8Array, recordPath: string): Result<WheelRecord> => {
  const text = fromUtf8(bytes);
  if (!text.ok) return refuse("is not UTF-8");
  const rows = parseCsv(text.value);
  if (!rows.ok) return rows;
  const record = new Map<string, RecordEntry>();
  let itself = false;
  for (const row of rows.value) {
    const [path, hash, size] = row;
    if (path === undefined || hash === undefined || size === undefined || row.length !== 3) {
      return refuse(`has a line of ${row.length} fields instead of 3`);
    }
    if (record.has(path) || (itself && path === recordPath)) {
      return refuse(`lists ${shown(path)} twice`);
    }
    if (path === recordPath) {
      if (hash !== "" || size !== "") return refuse("gives a hash or size for itself");
      itself = true;
      continue;
    }
    const entry = parseEntry(path, hash, size, recordPath);
    if (!entry.ok) return entry;
    record.set(path, entry.value);
  }
  return itself ? ok(record) : refuse("does not list itself");
};

const parseEntry = (
  text: string,
  hash: string,
  size: string,
  recordPath: string,
): Result<RecordEntry> => {
  const path = parseMemberPath(text);
  if (!path.ok) return path;
  if (text === `${recordPath}.jws` || text === `${recordPath}.p7s`) {
    return refuse(`lists ${shown(text)}, a signature that no tool may add any more`);
  }
  if (hash === "") return refuse(`has no hash for ${shown(text)}`);
  const split = hash.indexOf("=");
  const name = hash.slice(0, Math.max(split, 0));
  if (!isHashName(name)) return refuse(`has a hash of kind ${shown(name)} for ${shown(text)}`);
  const digest = fromBase64url(hash.slice(split + 1));
  if (!digest.ok || digest.value.length !== LENGTHS[name]) {
    return refuse(`has a malformed hash for ${shown(text)}`);
  }
  if (!/^(?:|0|[1-9][0-9]{0,14})$/.test(size)) return refuse(`has a bad size for ${shown(text)}`);
  const sized = size === "" ? {} : { size: Number(size) };
  return ok({ path: text, hash: name, digest: digest.value, ...sized });
};

/** One field and what ends it: a comma, a line end, or the end of the text. */
const FIELD = /(?:"((?:[^"]|""){0,4096})"|([^",\r\n]{0,4096}))(,|\r?\n|$)/y;
const MAX_ROWS = 500_000;
const MAX_FIELDS = 16;

/**
 * RFC 4180 with LF or CRLF: quotes only around whole fields, no empty lines; at most 500,000 rows
 * of fields of 4096 characters, and no row of more than 16.
 * @returns DIST_RECORD
 */
export const parseCsv = (text: string): Result<string[][]> => {
  const rows: string[][] = [];
  let row: string[] = [];
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length || row.length > 0) {
    const match = FIELD.exec(text);
    if (match === null) return refuse(`has a malformed line ${rows.length + 1}`);
    const [, quoted, plain = "", end] = match;
    if (rows.length >= MAX_ROWS || row.length >= MAX_FIELDS) return refuse("is too long");
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length === 1 && row[0] === "") return refuse("has an empty line");
    rows.push(row);
    row = [];
  }
  return ok(rows);
};
