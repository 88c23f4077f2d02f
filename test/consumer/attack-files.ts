import { gzipSync } from "node:zlib";
import { sha256 } from "../../src/crypto/hash.ts";
import { base64url, utf8 } from "../../src/formats/bytes.ts";
import { type TarMember, writeTar } from "../dists/tar-writer.ts";
import { writeZip, type ZipMember, type ZipOptions } from "../dists/zip-writer.ts";
import { metadataOf } from "./hostile-upstream.ts";
import type { ListedFile } from "./upstream-server.ts";

export const entry = (path: string, content: string): [string, string] => [path, content];

type WheelChange = {
  readonly version?: string;
  readonly metadata?: string;
  readonly more?: readonly [string, string][];
  /** What is done to the members once RECORD is written. */
  readonly change?: (members: ZipMember[]) => ZipMember[];
  readonly options?: ZipOptions;
};

/** A wheel that is sound but for what is changed. */
export const wheel = (
  name: string,
  { version = "1.0", ...change }: WheelChange = {},
): ListedFile => {
  const info = `${name}-${version}.dist-info`;
  const tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
  const files = [
    entry(`${name}.py`, "GREETING = 'hello'\n"),
    ...(change.more ?? []),
    entry(`${info}/METADATA`, change.metadata ?? metadataOf(name, version)),
    entry(`${info}/WHEEL`, tags),
  ];
  const lines = files.map(([path, text]) => {
    const digest = base64url(sha256(utf8(text)));
    return `${path},sha256=${digest},${utf8(text).length}`;
  });
  const record = [...lines, `${info}/RECORD,,`, ""].join("\n");
  const members: ZipMember[] = [...files, entry(`${info}/RECORD`, record)].map(
    ([path, content]) => ({ name: path, content }),
  );
  const content = writeZip(change.change?.(members) ?? members, change.options);
  return { filename: `${name}-${version}-py3-none-any.whl`, content };
};

export const sdist = (name: string, more: readonly TarMember[], pkgInfo?: string): ListedFile => {
  const root = `${name}-1.0`;
  const members: TarMember[] = [
    { name: `${root}/PKG-INFO`, content: pkgInfo ?? metadataOf(name, "1.0") },
    { name: `${root}/pyproject.toml`, content: "[build-system]\nrequires = []\n" },
    ...more.map((member) => ({ ...member, name: member.name.replace("ROOT", root) })),
  ];
  return { filename: `${root}.tar.gz`, content: new Uint8Array(gzipSync(writeTar(members))) };
};
