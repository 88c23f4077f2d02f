import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Failure } from "../formats/result.ts";
import { printable, visible } from "../formats/visible.ts";
import type { BoundedStore } from "./bounded-store.ts";

const MAX_REASON = 400;

/** Fit for a status line: printable ASCII, not too long. */
const reasonPhrase = ({ code, message, hint }: Failure): string =>
  printable(visible(`${code}: ${message.replaceAll("\n", " ")} - ${hint}`)).slice(0, MAX_REASON);

/**
 * A refusal that people see: pip prints the status line's reason, uv the problem document
 * (RFC 9457), browsers and curl the same document.
 */
export const problem = (status: number, failure: Failure): Response => {
  const { code, message, hint } = failure;
  const detail = visible(`${message}. ${hint}`);
  return new Response(
    `${JSON.stringify({ type: "about:blank", status, title: code, detail }, null, 2)}\n`,
    {
      status,
      statusText: reasonPhrase(failure),
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "x-wheelseal-code": code,
      },
    },
  );
};

/** A page or document in memory. */
export const textAnswer = (body: string, type: string): Response =>
  new Response(body, {
    headers: {
      "content-type": type,
      "content-length": String(new TextEncoder().encode(body).length),
      "x-content-type-options": "nosniff",
    },
  });

type Span = { readonly start: number; readonly end: number };

/** The one range that is asked for; `whole` where there is none to honour (RFC 9110 §14). */
const spanOf = (request: Request, etag: string, size: number): Span | "whole" | "beyond" => {
  const range = request.headers.get("range");
  const condition = request.headers.get("if-range");
  if (range === null || (condition !== null && condition !== etag)) return "whole";
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range.trim()) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return "whole";
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < start) return "whole";
  return start >= size || (first === "" && Number(last) === 0) ? "beyond" : { start, end };
};

export type StoredFile = {
  readonly digest: string;
  readonly size: number;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Bytes that are read and sent in one go: setting up streams takes longer. */
const AT_ONCE = 128 * 1024;

/** Reads and closes. Throws where the file ends early: what was said of its length is wrong. */
const readSpan = async (
  file: FileHandle,
  start: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  try {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw new Error("ended while it was read");
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
};

const weakly = (tag: string): string => tag.trim().replace(/^W\//, "");

/**
 * Answers with kept content: whole, a range of it, or nothing but its headers. The content stays
 * until it was sent, or the client is gone.
 */
export const fileAnswer = async (
  request: Request,
  store: BoundedStore,
  { digest, size, type, headers: more = {} }: StoredFile,
): Promise<Response> => {
  const etag = `"${digest}"`;
  const headers = {
    "content-type": type,
    etag,
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "x-content-type-options": "nosniff",
    ...more,
  };
  const known = request.headers.get("if-none-match")?.split(",").map(weakly) ?? [];
  if (known.includes(etag) || known.includes("*")) {
    return new Response(null, { status: 304, headers });
  }
  const span = spanOf(request, etag, size);
  if (span === "beyond") {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${size}` },
    });
  }
  const { start, end } = span === "whole" ? { start: 0, end: size - 1 } : span;
  const partial = span === "whole" ? {} : { "content-range": `bytes ${start}-${end}/${size}` };
  const answer = {
    status: span === "whole" ? 200 : 206,
    headers: { ...headers, ...partial, "content-length": String(end - start + 1) },
  };
  if (request.method === "HEAD" || size === 0) return new Response(null, answer);
  const release = store.serve(digest);
  if (release === undefined) throw new Error("was removed before it was read");
  const recent = store.recent.get(digest);
  if (recent !== undefined) {
    release();
    return new Response(recent.subarray(start, end + 1), answer);
  }
  const read = (bytes: Uint8Array): void => {
    if (bytes.length === size) store.recent.put(digest, bytes);
  };
  return sendSpan(store.pathOf(digest), { start, end }, answer, { read, release });
};

const sendSpan = async (
  path: string,
  { start, end }: Span,
  answer: ResponseInit,
  { read, release }: { read: (bytes: Uint8Array) => void; release: () => void },
): Promise<Response> => {
  let isStreamed = false;
  try {
    const file = await open(path);
    const length = end - start + 1;
    if (length <= AT_ONCE) {
      const bytes = await readSpan(file, start, length);
      read(bytes);
      return new Response(bytes, answer);
    }
    const stream = file.createReadStream({ start, end, highWaterMark: AT_ONCE });
    isStreamed = true;
    stream.once("close", release);
    return new Response(Readable.toWeb(stream) as ReadableStream<Uint8Array>, answer);
  } finally {
    if (!isStreamed) release();
  }
};
