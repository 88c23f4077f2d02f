import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { DEFAULT_LIMITS } from "../../src/dists/finding.ts";
import { walkTar } from "../../src/dists/tar.ts";
import { readZip } from "../../src/dists/zip.ts";
import { memberBytes } from "../../src/dists/zip-member.ts";
import { inPieces } from "./tar-writer.ts";
import { memoryAccess } from "./zip-writer.ts";

/** Path, kind, and the SHA-256 of a file's content or the target of a link. */
export type Listed = readonly [path: string, kind: string, content: string];

const READER = fileURLToPath(new URL("read-archives.py", import.meta.url));
const MAX_OUTPUT = 1 << 28;

/** What Python's zipfile and tarfile read in archives, in one process; text is an error. */
export const readByPython = (
  kind: "zip" | "tar",
  archives: readonly Uint8Array[],
): (Listed[] | string)[] => {
  const input = archives.flatMap((bytes) => [Buffer.from(`${kind} ${bytes.length}\n`), bytes]);
  const options = { input: Buffer.concat(input), maxBuffer: MAX_OUTPUT, timeout: 60_000 };
  const output = execFileSync("python3", ["-X", "utf8", READER], options).toString();
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Listed[] | string);
};

const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/** What our walker reads in a zip, in the order of its paths; `undefined` when it refuses it. */
export const readZipByUs = async (zip: Uint8Array): Promise<Listed[] | undefined> => {
  const access = memoryAccess(zip);
  const entries = await readZip(access, DEFAULT_LIMITS);
  if (!entries.ok) return undefined;
  const listed: Listed[] = [];
  for (const entry of entries.value) {
    const bytes = await memberBytes(access, entry, nodeInflateRaw, 1 << 20);
    if (!bytes.ok) return undefined;
    listed.push([entry.path, entry.kind, entry.kind === "file" ? sha256(bytes.value) : ""]);
  }
  return listed;
};

/** What our walker reads in a tar; `undefined` when it refuses it. */
export const readTarByUs = async (tar: Uint8Array): Promise<Listed[] | undefined> => {
  const contents = new Map<string, Uint8Array[]>();
  const entries = await walkTar(inPieces(tar, 4000), DEFAULT_LIMITS, (entry) => {
    const chunks: Uint8Array[] = [];
    contents.set(entry.path, chunks);
    return (chunk) => chunks.push(chunk.slice());
  });
  if (!entries.ok) return undefined;
  return entries.value.map(({ path, kind, linkTarget }): Listed => {
    if (kind === "file") return [path, kind, sha256(Buffer.concat(contents.get(path) ?? []))];
    return [path, kind, linkTarget];
  });
};

/** In the order of paths, as directories of zips may be in any. */
export const sorted = (listed: readonly Listed[]): Listed[] =>
  [...listed].sort((a, b) => (a[0] < b[0] ? -1 : 1));
