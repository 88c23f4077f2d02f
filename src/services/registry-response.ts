import { Readable } from "node:stream";
import type { RegistryStore } from "./registry-store.ts";

/** Streams stored content; the size is that of the file on disk, so that HTTP framing is right. */
export const fileResponse = async (
  store: RegistryStore,
  blob: string,
  fileName: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => {
  const size = await store.sizeOf(blob);
  const body = Readable.toWeb(Readable.from(store.read(blob), { objectMode: false }));
  return new Response(body as ReadableStream<Uint8Array>, {
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
