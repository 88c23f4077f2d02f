import { createHash, hash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { formatBuildRecord } from "../src/formats/build-record.ts";

// Wheels that pass every check, of a given size, made in the time that writing them takes.

type Member = { readonly path: string; readonly content: Buffer };

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** 1980-01-01, the first day that a zip knows. */
const DAY = 0x21;

const header = (signature: number, size: number, fields: readonly [number, number, number][]) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(signature, 0);
  for (const [at, width, value] of fields) bytes.writeUIntLE(value, at, width);
  return bytes;
};

/** A zip whose members are stored as they are. */
const zipOf = (members: readonly Member[]): Buffer => {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of members) {
    const name = Buffer.from(path);
    const [sum, size] = [crc32(content), content.length];
    const common = (at: number): [number, number, number][] => [
      ...([[at, 2, 20] as const, [at + 8, 2, DAY] as const, [at + 10, 4, sum] as const].map(
        (field) => [...field],
      ) as [number, number, number][]),
      [at + 14, 4, size],
      [at + 18, 4, size],
      [at + 22, 2, name.length],
    ];
    const local = header(LOCAL, 30, common(4));
    parts.push(local, name, content);
    const attributes: [number, number, number][] = [
      [4, 2, 0x0314],
      [38, 4, 0o100644 * 0x10000],
      [42, 4, offset],
    ];
    central.push(header(CENTRAL, 46, [...common(6), ...attributes]), name);
    offset += local.length + name.length + size;
  }
  const length = central.reduce((sum, part) => sum + part.length, 0);
  const end = header(END, 22, [
    [8, 2, members.length],
    [10, 2, members.length],
    [12, 4, length],
    [16, 4, offset],
  ]);
  return Buffer.concat([...parts, ...central, end]);
};

const NAME = "bench_package";
const VERSION = "1.0.0";

const recordLine = ({ path, content }: Member): string =>
  `${path},sha256=${hash("sha256", content, "base64url")},${content.length}`;

/** A wheel of `size` bytes, nearly, that differs from those of other numbers. */
const wheelOf = (number: number, size: number): { name: string; bytes: Buffer } => {
  const info = `${NAME}-${VERSION}.dist-info`;
  const seed = createHash("sha256").update(`wheel ${number}`).digest();
  const members = [
    { path: `${NAME}/__init__.py`, content: Buffer.from(`NUMBER = ${number}\n`) },
    { path: `${NAME}/content.bin`, content: Buffer.alloc(Math.max(0, size - 2000), seed) },
    {
      path: `${info}/METADATA`,
      content: Buffer.from(`Metadata-Version: 2.1\nName: ${NAME}\nVersion: ${VERSION}\n`),
    },
    {
      path: `${info}/WHEEL`,
      content: Buffer.from(
        `Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\nBuild: ${number}\n`,
      ),
    },
  ];
  const record = `${[...members.map(recordLine), `${info}/RECORD,,`].join("\n")}\n`;
  members.push({ path: `${info}/RECORD`, content: Buffer.from(record) });
  return { name: `${NAME}-${VERSION}-${number}-py3-none-any.whl`, bytes: zipOf(members) };
};

/** Writes `count` wheels of one release, told apart by their build number, and its build record. */
export const makeWheels = async (
  folder: string,
  count: number,
  size: number,
): Promise<string[]> => {
  await mkdir(folder, { recursive: true });
  const distributions = [];
  for (let number = 1; number <= count; number += 1) {
    const { name, bytes } = wheelOf(number, size);
    await writeFile(join(folder, name), bytes);
    const sha256 = hash("sha256", bytes);
    distributions.push({ filename: name, sha256, size: bytes.length });
  }
  const record = formatBuildRecord({
    recordVersion: 1,
    name: NAME,
    version: VERSION,
    source: { dirty: false, sourceDateEpoch: 0 },
    settings: { reproducible: true, metadata: {} },
    backend: { name: "bench", requires: [] },
    python: { version: "3.12.0", implementation: "CPython", platform: "any" },
    resolved: [],
    startedOn: "2026-01-01T00:00:00Z",
    finishedOn: "2026-01-01T00:00:00Z",
    distributions,
  });
  await writeFile(join(folder, "wheelseal-build.json"), record);
  return distributions.map(({ filename }) => filename);
};
