import { open } from "node:fs/promises";
import { inflateRawSync } from "node:zlib";
import { parseDistributionFilename } from "../dists/filename.ts";
import { DEFAULT_LIMITS } from "../dists/finding.ts";
import type { InflateRaw, RandomAccess } from "../dists/inflate.ts";
import { MAX_METADATA } from "../dists/metadata.ts";
import { readZip } from "../dists/zip.ts";
import { memberBytes } from "../dists/zip-member.ts";
import { concat } from "../formats/bytes.ts";

/** Small members only: the packed METADATA is held whole, and never inflates beyond its cap. */
const inflateRaw: InflateRaw = async function* (chunks) {
  const packed: Uint8Array[] = [];
  for await (const chunk of chunks) packed.push(chunk);
  yield new Uint8Array(inflateRawSync(concat(...packed), { maxOutputLength: MAX_METADATA }));
};

const METADATA = /^[^/]+\.dist-info\/METADATA$/;

const readMetadata = async (zip: RandomAccess): Promise<Uint8Array | undefined> => {
  const entries = await readZip(zip, DEFAULT_LIMITS);
  if (!entries.ok) return undefined;
  const found = entries.value.filter((entry) => METADATA.test(entry.path));
  const [entry] = found;
  // Two of them, and nobody knows which one an installer would read.
  if (entry === undefined || found.length > 1 || entry.packedSize > MAX_METADATA) return undefined;
  const bytes = await memberBytes(zip, entry, inflateRaw, MAX_METADATA);
  return bytes.ok ? bytes.value : undefined;
};

/**
 * The METADATA of the wheel at `path`, byte for byte, to be served beside it (PEP 658).
 * `undefined` for anything but a sound wheel: what an index accepts, it need not understand.
 */
export const wheelMetadata = async (
  fileName: string,
  path: string,
): Promise<Uint8Array | undefined> => {
  const distribution = parseDistributionFilename(fileName);
  if (!distribution.ok || distribution.value.kind !== "wheel") return undefined;
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    return await readMetadata({
      size,
      read: async (offset, length) => {
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) throw new Error("the wheel ends early");
          done += bytesRead;
        }
        return bytes;
      },
    });
  } finally {
    await handle.close();
  }
};
