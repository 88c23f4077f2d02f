import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/dists/finding.ts";
import { readZip } from "../../src/dists/zip.ts";
import { memberBytes } from "../../src/dists/zip-member.ts";
import type { Code } from "../../src/formats/errors.ts";
import { memoryAccess, writeZip, type ZipMember } from "./zip-writer.ts";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Structure and content of a zip: paths and text, or the code of the first failure. */
export const readAll = async (
  zip: Uint8Array,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Record<string, string> | { code: Code; message: string }> => {
  const access = memoryAccess(zip);
  const entries = await readZip(access, limits);
  if (!entries.ok) return { code: entries.error.code, message: entries.error.message };
  const content: Record<string, string> = {};
  for (const entry of entries.value) {
    const bytes = await memberBytes(access, entry, nodeInflateRaw, 1 << 20);
    if (!bytes.ok) return { code: bytes.error.code, message: bytes.error.message };
    content[entry.path] = Buffer.from(bytes.value).toString("latin1");
  }
  return content;
};

export const a: ZipMember = { name: "a.txt", content: "aaaa" };
export const b: ZipMember = { name: "b/c.txt", content: "content of c" };

/** What the honest header of a member says. */
export function sums(member: ZipMember): { crc32: number; size: number; packedSize: number } {
  const zip = writeZip([member]);
  const view = new DataView(zip.buffer);
  return {
    crc32: view.getUint32(14, true),
    packedSize: view.getUint32(18, true),
    size: view.getUint32(22, true),
  };
}
