import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { RegistryStore } from "./registry-store.ts";

export type StoredAnswer = {
  readonly blob: string;
  /** What the file is to be called, without folders. */
  readonly fileName: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Streams stored content; the size is that of the file on disk, so that HTTP framing is right. */
export const fileResponse = async (
  store: RegistryStore,
  { blob, fileName, method, headers = {} }: StoredAnswer,
): Promise<Response> => {
  const file = await open(store.pathOf(blob));
  const { size } = await file.stat();
  // Nobody would read the body of a HEAD, and so nobody would close the file.
  if (method === "HEAD") await file.close();
  const body = method === "HEAD" ? null : Readable.toWeb(file.createReadStream());
  return new Response(body as ReadableStream<Uint8Array> | null, {
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(size),
      // File names are letters, digits and a few signs: nothing needs quoting.
      "content-disposition": `attachment; filename="${fileName}"`,
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
};
