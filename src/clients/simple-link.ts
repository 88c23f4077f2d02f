import { fail, ok, type Result } from "../formats/result.ts";

/** Files that a page may list. */
export const MAX_FILES = 100_000;

const SHA256 = /^[0-9a-f]{64}$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNFIT = /[/\\\u0000-\u001f\u007f]|^\.{0,2}$/;

/** A file name from an index: one path segment, nothing that could climb or hide. */
export const checkFilename = (filename: string): Result<string> =>
  filename.length > 255 || UNFIT.test(filename)
    ? fail("INDEX_FORMAT", `${JSON.stringify(filename.slice(0, 80))} is no file name`)
    : ok(filename);

/** Lower-case hex, or `undefined` for anything that is no SHA-256. */
export const asSha256 = (text: string | undefined): string | undefined =>
  text !== undefined && SHA256.test(text) ? text.toLowerCase() : undefined;

/** A link that is what it will be resolved to, as nearly all are: to parse it is the slow way. */
const PLAIN =
  /^(https:\/\/(?![^/]*xn--)[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+(?:\/[A-Za-z0-9_+-][A-Za-z0-9_+.-]*)+)(?:#(sha256=[0-9a-f]{64}))?$/;

/**
 * Resolves a link of a page. Only http and https, never from https down to http, no credentials.
 * The fragment is cut off and given beside.
 */
export const resolveLink = (
  link: string,
  page: string,
): Result<{ readonly url: string; readonly fragment: string }> => {
  const [, plain, digest = ""] = PLAIN.exec(link) ?? [];
  if (plain !== undefined) return ok({ url: plain, fragment: digest });
  const url = URL.parse(link, page);
  const down = url?.protocol === "http:" && URL.parse(page)?.protocol === "https:";
  const web = url !== null && ["http:", "https:"].includes(url.protocol);
  if (!web || down || url.username !== "" || url.password !== "") {
    return fail("INDEX_FORMAT", `a link is not a web address that may be followed`);
  }
  const fragment = url.hash.slice(1);
  url.hash = "";
  return ok({ url: url.href, fragment });
};

/** The last segment of a URL's path, decoded: what PEP 503 wants the file name to be. */
export const lastSegment = (url: string): string => {
  const segment = URL.parse(url)?.pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};
