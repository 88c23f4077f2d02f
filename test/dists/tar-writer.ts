import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/dists/finding.ts";
import { checkSdist, type SdistReport } from "../../src/dists/sdist.ts";
import type { Code } from "../../src/formats/errors.ts";
import type { Result } from "../../src/formats/result.ts";

const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  uname: [265, 32],
  gname: [297, 32],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
} as const;

export type TarField = keyof typeof FIELDS;

/** One member, or an extension header; `header` and `padding` make it lie. */
export type TarMember = {
  name: string;
  content?: string | Uint8Array;
  /** One character; a file by default, a folder where the name ends in a slash. */
  type?: string;
  linkName?: string;
  mode?: number;
  gnu?: boolean;
  /** Bytes of header fields as they stand, given as text in Latin-1; the checksum is made to fit. */
  header?: Partial<Record<TarField, string>>;
  /** What stands after the content instead of zeros. */
  padding?: string;
};

const bytesOf = (content: string | Uint8Array): Buffer =>
  typeof content === "string" ? Buffer.from(content, "utf8") : Buffer.from(content);

const octal = (value: number, length: number): string =>
  `${value.toString(8).padStart(length - 1, "0")}\0`;

const headerOf = (member: TarMember, size: number): Buffer => {
  const block = Buffer.alloc(512);
  const put = (field: TarField, text: string, encoding: BufferEncoding = "latin1"): void => {
    const [start, length] = FIELDS[field];
    block.fill(0, start, start + length);
    block.write(text, start, length, encoding);
  };
  put("name", member.name, "utf8");
  put("mode", octal(member.mode ?? 0o644, 8));
  put("uid", octal(0, 8));
  put("gid", octal(0, 8));
  put("size", octal(size, 12));
  put("mtime", octal(1_700_000_000, 12));
  put("type", member.type ?? (member.name.endsWith("/") ? "5" : "0"));
  put("linkName", member.linkName ?? "", "utf8");
  put("magic", member.gnu === true ? "ustar  \0" : "ustar\x0000");
  for (const [field, text] of Object.entries(member.header ?? {})) put(field as TarField, text);
  if (member.header?.checksum === undefined) {
    put("checksum", "        ");
    put(
      "checksum",
      `${octal(
        block.reduce((sum, byte) => sum + byte, 0),
        7,
      )} `,
    );
  }
  return block;
};

/** One member as it stands in a tar: header, content, padding. */
export const tarMember = (member: TarMember): Buffer => {
  const content = bytesOf(member.content ?? "");
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  padding.write(member.padding ?? "", "latin1");
  return Buffer.concat([headerOf(member, content.length), content, padding]);
};

/** The two zero blocks that end a tar. */
export const TAR_END = new Uint8Array(1024);

/** A tar that is honest unless a member says otherwise. */
export const writeTar = (members: readonly TarMember[], end: Uint8Array = TAR_END): Buffer =>
  Buffer.concat([...members.map(tarMember), end]);

const encodePaxRecord = (keyword: string, value: string): string => {
  const rest = Buffer.byteLength(` ${keyword}=${value}\n`);
  let length = rest;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${keyword}=${value}\n`;
};

/** Pax records, truthfully measured. */
export const paxRecords = (records: Readonly<Record<string, string>>): string =>
  Object.entries(records)
    .map(([keyword, value]) => encodePaxRecord(keyword, value))
    .join("");

/** A pax header; type `x` is for the next member, `g` for all. */
export const pax = (
  records: Readonly<Record<string, string>>,
  type: "x" | "g" = "x",
): TarMember => ({
  name: "pax_header",
  type,
  content: paxRecords(records),
});

/** GNU's long name of the next member, or the long name of what it links to. */
export const longName = (text: string, type: "L" | "K" = "L"): TarMember => ({
  name: "././@LongLink",
  type,
  gnu: true,
  content: `${text}\0`,
});

export const ROOT = "demo_pkg-1.0";
export const SDIST_NAME = `${ROOT}.tar.gz`;

/** Members of an honest sdist. */
export const honestMembers: readonly TarMember[] = [
  { name: `${ROOT}/`, mode: 0o755 },
  {
    name: `${ROOT}/PKG-INFO`,
    content: "Metadata-Version: 2.2\nName: Demo.Pkg\nVersion: 1.0\n\nText\n",
  },
  { name: `${ROOT}/pyproject.toml`, content: "[build-system]\nrequires = []\n" },
  { name: `${ROOT}/src/demo.py`, content: "x = 1\n" },
];

/** Bytes as a file that is read in pieces of an odd size. */
export async function* inPieces(bytes: Uint8Array, length = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

export const checkBytes = (
  gz: Uint8Array,
  filename = SDIST_NAME,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Result<SdistReport>> => checkSdist(filename, inPieces(gz), nodeInflateRaw, limits);

/** Checks a tar after compressing it. */
export const checkTar = (tar: Uint8Array): Promise<Result<SdistReport>> =>
  checkBytes(gzipSync(tar, { level: 1 }));

/** Checks the honest sdist with `more` members at its end. */
export const checkWith = (...more: readonly TarMember[]): Promise<Result<SdistReport>> =>
  checkTar(writeTar([...honestMembers, ...more]));

export function expectFailure(outcome: Result<SdistReport>, code: Code, message: RegExp): void {
  assert.ok(!outcome.ok, "was accepted");
  assert.match(outcome.error.message, message);
  assert.equal(outcome.error.code, code);
}

export const file = (path: string, more: Partial<TarMember> = {}): TarMember => ({
  name: `${ROOT}/${path}`,
  content: "x",
  ...more,
});

/** A symbolic link, or a hard link with type `1`. */
export const link = (path: string, linkName: string, type = "2"): TarMember => ({
  name: `${ROOT}/${path}`,
  type,
  linkName,
});
