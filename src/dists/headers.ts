import { fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { shown } from "./name.ts";

/** One header: its name as written, its value with continuation lines kept after a newline. */
export type HeaderField = { readonly name: string; readonly value: string };

const MAX_FIELDS = 20_000;
const MAX_LINES = 200_000;

/** The values of a header in their order; `lowerName` in lower case. */
export const valuesOf = (fields: readonly HeaderField[], lowerName: string): string[] =>
  fields.filter((field) => field.name.toLowerCase() === lowerName).map((field) => field.value);

const HEADER = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/s;
// Python's parser, and others, end a line at some of these.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f\u0085\u2028\u2029]/;

/** What the two files of headers of a wheel have in common: the headers, then a body. */
export type Headers = { readonly headers: readonly HeaderField[]; readonly body: string };

/**
 * Reads headers so that every tool sees the same ones: a line that is neither header nor
 * continuation, and control characters, are refused. Lines end in LF or CRLF; a blank body is none.
 * @param subject - what the bytes are, for messages
 * @returns DIST_METADATA
 */
export const parseHeaders = (bytes: Uint8Array, subject: string): Result<Headers> => {
  const refuse = (why: string) => fail("DIST_METADATA", `${subject} ${why}`);
  const text = fromUtf8(bytes);
  if (!text.ok) return refuse("is not UTF-8");
  const { head, body } = splitBody(text.value);
  if (head.length > MAX_LINES) return refuse(`has more than ${MAX_LINES} lines of headers`);
  const fields: { name: string; value: string }[] = [];
  for (const line of head) {
    if (CONTROL.test(line)) return refuse(`has a control character in ${shown(line)}`);
    const last = fields.at(-1);
    const [, name, value] = HEADER.exec(line) ?? [];
    if (/^[ \t]/.test(line) && last !== undefined) last.value += `\n${line}`;
    else if (name === undefined || value === undefined) {
      return refuse(`has a line that is no header: ${shown(line)}`);
    } else if (fields.length >= MAX_FIELDS) return refuse(`has more than ${MAX_FIELDS} fields`);
    else fields.push({ name, value: withoutSpaceAtEnd(value) });
  }
  return ok({ headers: fields, body });
};

/** By hand, as a regular expression would take a time that grows with the square of the length. */
const withoutSpaceAtEnd = (text: string): string => {
  let end = text.length;
  while (text[end - 1] === " " || text[end - 1] === "\t") end -= 1;
  return text.slice(0, end);
};

/** The header lines without their ends (LF or CRLF), and what follows the first empty line. */
const splitBody = (text: string): { head: string[]; body: string } => {
  const blank = /(?<=^|\n)\r?\n/.exec(text);
  const head = blank === null ? text : text.slice(0, blank.index);
  const body = blank === null ? "" : text.slice(blank.index + blank[0].length);
  const lines = head.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return { head: lines, body: body.trim() === "" ? "" : body };
};
