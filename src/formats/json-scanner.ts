import { Refusal } from "./refusal.ts";
import { failure } from "./result.ts";

/** Where the parser stands in `text`; `what` names the document in messages. */
export type Scanner = { readonly text: string; readonly what: string; at: number; values: number };

export const refuse = (scanner: Scanner, message: string): never => {
  const where = `${scanner.what}: ${message} at offset ${scanner.at}`;
  throw new Refusal(failure("FORMAT_JSON", where));
};

export const match = (scanner: Scanner, pattern: RegExp): string | undefined => {
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0];
  scanner.at += found?.length ?? 0;
  return found;
};

const isSpace = (unit: number): boolean =>
  unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;

export const skipSpace = (scanner: Scanner): void => {
  while (isSpace(scanner.text.charCodeAt(scanner.at))) scanner.at += 1;
};

/** Takes the next character that is not white space, if it is `wanted`. */
export const accept = (scanner: Scanner, wanted: string): boolean => {
  skipSpace(scanner);
  if (scanner.text[scanner.at] !== wanted) return false;
  scanner.at += 1;
  return true;
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_PLAIN = /[\\\u0000-\u001f]/;

/** The text of the string that starts at `at`, if it has an end and nothing that needs undoing. */
const plainString = (text: string, at: number): string | undefined => {
  const end = text.indexOf('"', at + 1);
  if (end < 0) return undefined;
  const plain = text.slice(at + 1, end);
  return NOT_PLAIN.test(plain) ? undefined : plain;
};

/** The offset behind the string that starts at `at`, or `undefined` if it never ends. */
const endOfString = (text: string, at: number): number | undefined => {
  for (let i = at + 1; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) return i + 1;
    if (unit === 0x5c) i += 1;
  }
  return undefined;
};

export const parseString = (scanner: Scanner): string => {
  skipSpace(scanner);
  const { text: all, at } = scanner;
  if (all[at] !== '"') return refuse(scanner, "no string");
  const plain = plainString(all, at);
  const end = plain === undefined ? endOfString(all, at) : at + plain.length + 2;
  const text = plain ?? (end === undefined ? undefined : unquote(all.slice(at, end)));
  if (end === undefined || text === undefined) return refuse(scanner, "no string");
  scanner.at = end;
  // A lone surrogate has no UTF-8 form, so it could not be signed or compared (RFC 7493 §2.1).
  return text.isWellFormed() ? text : refuse(scanner, "a lone surrogate");
};

/** The platform's parser knows the escapes, and refuses control characters. */
const unquote = (token: string): string | undefined => {
  try {
    return String(JSON.parse(token));
  } catch {
    return undefined;
  }
};
