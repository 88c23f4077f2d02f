import { createHash } from "node:crypto";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { checkWheel, type WheelReport } from "../../src/dists/wheel.ts";
import type { Result } from "../../src/formats/result.ts";
import { memoryAccess, writeZip, type ZipMember } from "./zip-writer.ts";

export const WHEEL_NAME = "demo_pkg-1.0-py3-none-any.whl";
export const DIST_INFO = "demo_pkg-1.0.dist-info";

/** Files of an honest wheel, RECORD apart. */
export const honestFiles: Readonly<Record<string, string>> = {
  "demo_pkg/__init__.py": "x = 1\n",
  [`${DIST_INFO}/METADATA`]: "Metadata-Version: 2.4\nName: Demo.Pkg\nVersion: 1.0\n\nText\n",
  [`${DIST_INFO}/WHEEL`]:
    "Wheel-Version: 1.0\nGenerator: test 1\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
};

const quoted = (path: string): string =>
  /[",\n]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path;

export const recordLine = (path: string, content: string, algorithm = "sha256"): string => {
  const digest = createHash(algorithm).update(content).digest("base64url");
  return `${quoted(path)},${algorithm}=${digest},${Buffer.byteLength(content)}\n`;
};

/** RECORD that says the truth about `files`. */
export const recordOf = (files: Readonly<Record<string, string>>, distInfo = DIST_INFO): string =>
  Object.entries(files)
    .map(([path, content]) => recordLine(path, content))
    .join("") + `${distInfo}/RECORD,,\n`;

export type WheelOptions = {
  filename?: string;
  /** Added to the honest files, or in place of them; `null` leaves one out. */
  files?: Readonly<Record<string, string | null>>;
  /** Makes RECORD from the honest one. */
  record?: (honest: string) => string;
  distInfo?: string;
  /** Members beside the files, which RECORD does not know. */
  extra?: readonly ZipMember[];
};

/** A wheel that is honest but for what `options` change. */
export const writeWheel = (options: WheelOptions = {}): Uint8Array => {
  const { files = {}, record = (honest) => honest, extra = [] } = options;
  const kept = Object.fromEntries(
    Object.entries({ ...honestFiles, ...files }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    ),
  );
  const distInfo = options.distInfo ?? DIST_INFO;
  const members = Object.entries(kept).map(([name, content]) => ({ name, content }));
  const recorded = { name: `${distInfo}/RECORD`, content: record(recordOf(kept, distInfo)) };
  return writeZip([...members, recorded, ...extra]);
};

export const check = (options: WheelOptions = {}): Promise<Result<WheelReport>> =>
  checkWheel(options.filename ?? WHEEL_NAME, memoryAccess(writeWheel(options)), nodeInflateRaw);
