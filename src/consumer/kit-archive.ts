import { type Hasher, hasher } from "../crypto/hash.ts";
import { type ByteReader, byteReader } from "../dists/byte-reader.ts";
import type { RandomAccess } from "../dists/inflate.ts";
import { concat, equal, hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import {
  byPath,
  formatKitManifest,
  KIT_PLACES,
  type KitFile,
  type KitManifest,
  MAX_MANIFEST,
  parseKitManifest,
} from "./kit-manifest.ts";
import { MAX_KIT_FILE, paddingOf, statedSize, TAR_END, tarHead } from "./kit-tar.ts";

/** A file on its way into a kit: its bytes must have the digest and size that are stated. */
export type KitContent = KitFile & { readonly open: () => AsyncIterable<Uint8Array> };

/** A kit whose every byte is what its manifest says. Nothing in it is verified by that. */
export type Kit = {
  readonly manifest: KitManifest;
  /** Bytes of the kit. */
  readonly size: number;
  /** Of the whole kit, lower-case hexadecimal. */
  readonly sha256: string;
  readonly files: ReadonlyMap<string, KitFile & { readonly access: RandomAccess }>;
};

const BLOCK = 512;
const GZIP = [0x1f, 0x8b] as const;

/** Takes the bytes of a kit as they come. */
export type KitSink = (chunk: Uint8Array) => Promise<void>;

/**
 * Writes a kit: a tar with the manifest first, then the files by their paths. The same content
 * gives the same bytes.
 * @returns the digest of the kit; DIST_CHANGED where a file is not the one that was stated
 */
export const writeKit = async (
  manifest: Omit<KitManifest, "files">,
  contents: readonly KitContent[],
  sink: KitSink,
): Promise<Result<{ readonly sha256: string; readonly size: number }>> => {
  const sorted = contents.toSorted(byPath);
  const files = sorted.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  const head = formatKitManifest({ ...manifest, files });
  const readable = parseKitManifest(head);
  if (!readable.ok) return readable;
  const whole = hasher("sha256");
  let written = 0;
  const put = async (chunk: Uint8Array): Promise<void> => {
    whole.update(chunk);
    written += chunk.length;
    await sink(chunk);
  };
  await put(tarHead(KIT_PLACES.manifest, head.length));
  await put(head);
  await put(paddingOf(head.length));
  for (const content of sorted) {
    const done = await putFile(content, put);
    if (!done.ok) return done;
  }
  await put(TAR_END);
  return ok({ sha256: hex(whole.digest()), size: written });
};

const putFile = async (
  { path, size, sha256, open }: KitContent,
  put: KitSink,
): Promise<Result<void>> => {
  await put(tarHead(path, size));
  const state = hasher("sha256");
  let seen = 0;
  for await (const chunk of open()) {
    seen += chunk.length;
    if (seen > size) break;
    state.update(chunk);
    await put(chunk);
  }
  if (seen !== size || hex(state.digest()) !== sha256) {
    return fail("DIST_CHANGED", `${path} changed since it was verified`);
  }
  await put(paddingOf(size));
  return ok(undefined);
};

/** A part of a file, as if it were a file of its own. */
const part = (access: RandomAccess, start: number, size: number): RandomAccess => ({
  size,
  read: (offset, length) => {
    if (offset < 0 || length < 0 || offset + length > size)
      throw new RangeError("outside the file");
    return access.read(start + offset, length);
  },
});

const refuse = (why: string) => fail("KIT_FORMAT", `the kit ${why}`);

/**
 * Reads a kit without unpacking it: each byte must be the one that {@link writeKit} writes for
 * this manifest. No other header, order, padding or end is known here, so there is nothing to
 * interpret.
 * @returns KIT_FORMAT, KIT_MANIFEST, KIT_PATH, KIT_DIGEST, DIST_EMPTY
 */
export const readKit = async (
  access: RandomAccess,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Result<Kit>> => {
  const head = await readHead(access);
  if (!head.ok) return head;
  const { manifest, bytes } = head.value;
  let at = bytes.length;
  const files = new Map<string, KitFile & { readonly access: RandomAccess }>();
  for (const file of manifest.files) {
    at += tarHead(file.path, file.size).length;
    files.set(file.path, { ...file, access: part(access, at, file.size) });
    at += file.size + paddingOf(file.size).length;
  }
  const size = at + TAR_END.length;
  if (access.size < size) return refuse(`breaks off: it has ${access.size} of ${size} bytes`);
  if (access.size > size) return refuse(`goes on after its end at byte ${size}`);
  const reader = byteReader(chunks);
  try {
    const sha256 = await compare(reader, manifest, bytes);
    return sha256.ok ? ok({ manifest, size, sha256: sha256.value, files }) : sha256;
  } finally {
    await reader.close();
  }
};

/** The manifest, and the bytes that it takes with its header and padding. */
const readHead = async (
  access: RandomAccess,
): Promise<Result<{ readonly manifest: KitManifest; readonly bytes: Uint8Array }>> => {
  if (access.size < BLOCK) return refuse(`breaks off: it has ${access.size} bytes`);
  const first = await access.read(0, BLOCK);
  if (GZIP.every((byte, at) => first[at] === byte)) {
    return refuse("is compressed, as no kit is; nothing was unpacked");
  }
  const size = statedSize(first);
  if (size === undefined || size > MAX_KIT_FILE) return refuse("does not begin as a kit does");
  const head = tarHead(KIT_PLACES.manifest, size);
  if (!equal(first, head)) return refuse("does not begin with its manifest");
  if (size > MAX_MANIFEST) return refuse(`has a manifest of ${size} bytes`);
  const padding = paddingOf(size);
  if (access.size < BLOCK + size + padding.length) return refuse("breaks off in its manifest");
  const content = await access.read(BLOCK, size);
  const manifest = parseKitManifest(content);
  return manifest.ok
    ? ok({ manifest: manifest.value, bytes: concat(head, content, padding) })
    : manifest;
};

/** Every byte against the manifest, from the start; gives the digest of the whole. */
const compare = async (
  reader: ByteReader,
  { files }: KitManifest,
  head: Uint8Array,
): Promise<Result<string>> => {
  const whole = hasher("sha256");
  if (!(await expect(reader, head, whole))) return refuse("hides bytes after its manifest");
  for (const file of files) {
    const compared = await compareFile(reader, file, whole);
    if (!compared.ok) return compared;
  }
  const end = await expect(reader, TAR_END, whole);
  return end ? ok(hex(whole.digest())) : refuse("does not end as a kit does");
};

const expect = async (reader: ByteReader, wanted: Uint8Array, whole: Hasher): Promise<boolean> => {
  const found = await reader.take(wanted.length);
  whole.update(found);
  return equal(found, wanted);
};

const compareFile = async (
  reader: ByteReader,
  { path, size, sha256 }: KitFile,
  whole: Hasher,
): Promise<Result<void>> => {
  if (!(await expect(reader, tarHead(path, size), whole))) {
    return refuse(`has another header than it must before ${path}`);
  }
  const state = hasher("sha256");
  await reader.pass(size, (chunk) => {
    state.update(chunk);
    whole.update(chunk);
  });
  const found = hex(state.digest());
  if (found !== sha256) {
    return fail("KIT_DIGEST", `${path} has the digest ${found}, the manifest says ${sha256}`);
  }
  const padded = await expect(reader, paddingOf(size), whole);
  return padded ? ok(undefined) : refuse(`hides bytes after ${path}`);
};
