import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import type { Received, RegistryStore } from "./registry-store.ts";
import { isDiskFailure } from "./storage.ts";

/** The upload form of PyPI's legacy API: fields, and one file called `content`. */
export type UploadForm = {
  /** Values by field name, in their order; a repeated field has several. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly content?: { readonly fileName: string; readonly received: Received };
};

export type FormOutcome =
  | { readonly kind: "form"; readonly form: UploadForm }
  | { readonly kind: "too-large" }
  | { readonly kind: "malformed"; readonly reason: string };

const FORM_LIMITS = {
  fieldNameSize: 100,
  /** A long README is an honest description. */
  fieldSize: 4 * 1024 * 1024,
  /** Classifiers and requirements are one field each. */
  fields: 2000,
  files: 4,
  headerPairs: 20,
  headerSize: 16 * 1024,
} as const;

type Reading = {
  fields: Map<string, string[]>;
  total: number;
  refused?: string;
  fileName?: string;
  content?: Promise<Received | undefined>;
  arriving?: PassThrough;
};

const MAX_FIELDS_SIZE = 16 * 1024 * 1024;

/**
 * The same bytes, as a stream that remembers how it ended: the parser's own tells an error once,
 * perhaps before anybody reads, and must be emptied even when the reader gives up.
 */
const settled = (stream: Readable): PassThrough => {
  const through = new PassThrough();
  through.on("error", () => {});
  stream.on("error", (error) => through.destroy(error));
  return stream.pipe(through);
};

const MAX_EPILOGUE = 64 * 1024;

const boundaryOf = (contentType: string): string => {
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  return quoted ?? plain ?? "";
};

/** Ends behind the closing delimiter: the parser waits for ever when more follows (RFC 2046 §5.1.1). */
async function* untilClosed(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<Uint8Array> {
  const delimiter = Buffer.from(`\r\n--${boundary}--`, "latin1");
  let before = Buffer.from("\r\n");
  let epilogue: number | undefined;
  for await (const chunk of chunks) {
    if (epilogue !== undefined) {
      // Read on a little, so that the connection of an honest sender stays usable.
      epilogue += chunk.length;
      if (epilogue > MAX_EPILOGUE) return;
      continue;
    }
    const seen = Buffer.concat([before, chunk]);
    const at = seen.indexOf(delimiter);
    if (at >= 0) {
      yield chunk.subarray(0, at + delimiter.length - before.length);
      epilogue = 0;
      continue;
    }
    yield chunk;
    before = seen.subarray(Math.max(0, seen.length - delimiter.length + 1));
  }
}

const listen = (
  busboy: BusboyInstance,
  reading: Reading,
  store: RegistryStore,
  maxBytes: number,
): void => {
  const refuse = (reason: string): void => {
    reading.refused ??= reason;
  };
  busboy.on("field", (name, value, nameTruncated, valueTruncated) => {
    reading.total += value.length;
    if (nameTruncated || valueTruncated) return refuse("a field is too long");
    if (reading.total > MAX_FIELDS_SIZE) return refuse("the fields are too long");
    reading.fields.set(name, [...(reading.fields.get(name) ?? []), value]);
  });
  busboy.on("file", (name, stream, fileName) => {
    if (name !== "content" || reading.content !== undefined) {
      if (name === "content") refuse("content is given twice");
      stream.on("error", () => {});
      stream.resume();
      return;
    }
    reading.fileName = fileName;
    const arriving = settled(stream);
    reading.arriving = arriving;
    reading.content = store.receive(arriving, maxBytes).finally(() => {
      // Unpiped first: a pipe that ends later would stop the stream again, and the form with it.
      stream.unpipe(arriving);
      stream.resume();
    });
    reading.content.catch(() => {});
  });
  busboy.on("fieldsLimit", () => refuse("there are too many fields"));
  busboy.on("filesLimit", () => refuse("there are too many files"));
};

/** Reads a multipart form; the file goes to disk while it arrives, and is digested on the way. */
export const readForm = async (
  request: Request,
  store: RegistryStore,
  maxBytes: number,
): Promise<FormOutcome> => {
  const contentType = request.headers.get("content-type") ?? "";
  if (!contentType.startsWith("multipart/form-data") || request.body === null) {
    return { kind: "malformed", reason: "the body is not multipart/form-data" };
  }
  const reading: Reading = { fields: new Map(), total: 0 };
  let broken: string | undefined;
  try {
    const busboy = new Busboy({
      headers: { "content-type": contentType },
      limits: FORM_LIMITS,
      // With the path kept, a name that climbs is seen and refused, not quietly shortened.
      preservePath: true,
      isPartAFile: (_name, _type, fileName) => fileName !== undefined,
    });
    listen(busboy, reading, store, maxBytes);
    const source = Readable.fromWeb(request.body as NodeReadableStream);
    await pipeline(source, (chunks) => untilClosed(chunks, boundaryOf(contentType)), busboy);
  } catch {
    broken = "the form breaks off or is malformed";
    reading.arriving?.destroy(new Error(broken));
  }
  return finish(reading, broken);
};

const finish = async (reading: Reading, broken: string | undefined): Promise<FormOutcome> => {
  const [content] = await Promise.allSettled([reading.content]);
  if (content.status === "rejected" && isDiskFailure(content.reason)) throw content.reason;
  const received = content.status === "fulfilled" ? content.value : undefined;
  const refused =
    broken ?? reading.refused ?? (content.status === "rejected" ? "content breaks off" : undefined);
  if (refused !== undefined) {
    await received?.discard();
    return { kind: "malformed", reason: refused };
  }
  if (reading.content === undefined) return { kind: "form", form: { fields: reading.fields } };
  if (received === undefined) return { kind: "too-large" };
  const fileName = reading.fileName ?? "";
  return { kind: "form", form: { fields: reading.fields, content: { fileName, received } } };
};
