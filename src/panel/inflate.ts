import type { InflateRaw } from "../dists/inflate.ts";

/**
 * Inflates as the browser does (Compression Standard §6): it refuses bytes behind the final block
 * and a stream that ends before it.
 */
export const browserInflateRaw: InflateRaw = async function* (chunks) {
  const engine = new DecompressionStream("deflate-raw");
  const fed = feed(engine.writable.getWriter(), chunks);
  // The error also comes out of the loop below; without this it would count as unhandled.
  fed.catch(() => undefined);
  const reader = engine.readable.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      yield value;
    }
    await fed;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
};

const feed = async (
  writer: WritableStreamDefaultWriter<BufferSource>,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> => {
  // A chunk is lent only until the next is asked for, and the writer may keep it for longer.
  for await (const chunk of chunks) await writer.write(chunk.slice());
  await writer.close();
};
