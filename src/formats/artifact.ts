import { type HashName, hasher, type Sha256, sha256 } from "../crypto/hash.ts";

/** What a signature is said to be over: a file that can be streamed, or only its digest. */
export type Artifact = {
  /** File name without folders, where it is known. */
  readonly name?: string;
  readonly sha256: Sha256;
  /** Bytes, where they are at hand. */
  readonly size?: number;
  /**
   * Streams the content from the start, each time it is called; absent for `sha256:HEX`. A chunk
   * is good only until the next is asked for: copy what must stay.
   */
  readonly open?: () => AsyncIterable<Uint8Array>;
  /** The content is in memory: what `open` gives is what was digested, and need not be compared. */
  readonly held?: true;
};

/** An artifact held in memory: for small files and tests. */
export const artifactOfBytes = (bytes: Uint8Array, name?: string): Artifact => ({
  ...(name === undefined ? {} : { name }),
  sha256: sha256(bytes),
  size: bytes.length,
  open: async function* () {
    yield bytes;
  },
});

/** Digests a stream without holding it: raw bytes of the digest, and the number of bytes seen. */
export const digestStream = async (
  name: HashName,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ digest: Uint8Array; size: number }> => {
  const state = hasher(name);
  let size = 0;
  for await (const chunk of chunks) {
    state.update(chunk);
    size += chunk.length;
  }
  return { digest: state.digest(), size };
};
