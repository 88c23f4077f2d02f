import { fromUtf8 } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import { shown } from "./name.ts";
import { refuseTar } from "./tar-header.ts";

/** What a pax header says that this tool minds. */
export type PaxRecords = ReadonlyMap<string, string>;

/** Keywords by which some tools change the size, the content or the names of members. */
const MEANINGFUL = new Set(["hdrcharset", "charset", "SCHILY.realsize", "SUN.holesdata"]);

/**
 * Reads pax records: `length keyword=value\n`, the length in decimal counting the whole record.
 * @returns DIST_TAR; also for repeated keywords, sparse files and other character sets, and for
 *   GNU's and others' keywords that change what a member is
 * @see POSIX.1-2017 pax, "pax Extended Header"
 */
export const parsePax = (bytes: Uint8Array): Result<PaxRecords> => {
  const records = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const record = recordAt(bytes, at);
    if (record === undefined) return refuseTar("has a malformed pax record");
    const { keyword, value, end } = record;
    if (records.has(keyword)) return refuseTar(`has the pax record ${shown(keyword)} twice`);
    if (keyword.startsWith("GNU.") || MEANINGFUL.has(keyword)) {
      return refuseTar(`has the pax record ${shown(keyword)}, which is not supported`);
    }
    records.set(keyword, value);
    at = end;
  }
  return ok(records);
};

const recordAt = (
  bytes: Uint8Array,
  at: number,
): { keyword: string; value: string; end: number } | undefined => {
  const space = bytes.indexOf(0x20, at);
  const digits =
    space < 0 ? "" : String.fromCharCode(...bytes.subarray(at, Math.min(space, at + 8)));
  if (!/^[1-9][0-9]{0,6}$/.test(digits)) return undefined;
  const end = at + Number(digits);
  if (end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a) return undefined;
  const text = fromUtf8(bytes.subarray(space + 1, end - 1));
  const [, keyword, value] = (text.ok && /^([^=]+)=(.*)$/s.exec(text.value)) || [];
  return keyword === undefined || value === undefined ? undefined : { keyword, value, end };
};
