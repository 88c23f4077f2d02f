import type { Sha256 } from "../crypto/hash.ts";
import type { RandomAccess } from "../dists/inflate.ts";
import { digestStream } from "../formats/artifact.ts";
import type { NamedArtifact } from "../stages/release.ts";

const PIECE = 1024 * 1024;

/** All of it at once: for what is small. */
export const bytesOf = async (blob: Blob): Promise<Uint8Array> =>
  new Uint8Array(await blob.arrayBuffer());

/** A file of the reader's machine, piece by piece: it is never held whole, and never sent. */
export async function* piecesOf(file: File): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += PIECE) yield await bytesOf(file.slice(at, at + PIECE));
}

export const accessTo = (file: File): RandomAccess => ({
  size: file.size,
  read: async (offset, length) => {
    const bytes = await bytesOf(file.slice(offset, offset + length));
    if (bytes.length !== length) throw new RangeError("the file ends before");
    return bytes;
  },
});

/** The file as what is verified: its digest, and its content to be streamed again. */
export const artifactOf = async (file: File): Promise<NamedArtifact> => {
  const { digest, size } = await digestStream("sha256", piecesOf(file));
  return { name: file.name, sha256: digest as Sha256, size, open: () => piecesOf(file) };
};
