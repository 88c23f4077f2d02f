import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kit, readKit, writeKit } from "../../src/consumer/kit-archive.ts";
import { draftKit, type KitEntry, recordEvidence } from "../../src/consumer/kit-export.ts";
import { paddingOf, TAR_END, tarHead } from "../../src/consumer/kit-tar.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { concat, fromUtf8, hex } from "../../src/formats/bytes.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { ok, type Result, unwrap } from "../../src/formats/result.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import { type ReleaseInput, verifyRelease } from "../../src/stages/release.ts";
import type { Expected } from "../../src/verification/policy.ts";

export const MADE = Date.parse("2026-11-25T00:00:00Z");
export const DAY = 24 * 60 * 60 * 1000;

/** Reads a kit that is held in memory. */
export const readBytes = (bytes: Uint8Array): Promise<Result<Kit>> =>
  readKit(
    {
      size: bytes.length,
      read: async (offset, length) => bytes.slice(offset, offset + length),
    },
    (async function* () {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    })(),
  );

export const codeOf = async (bytes: Uint8Array): Promise<string> => {
  const kit = await readBytes(bytes);
  return kit.ok ? "ok" : kit.error.code;
};

/** A distribution on disk, verified, with the evidence that was read. */
export const entryIn = async (
  dist: string,
  filename: string,
  against: Pick<ReleaseInput, "expect" | "trust" | "now" | "demands">,
): Promise<KitEntry> => {
  const content = new Uint8Array(await readFile(join(dist, filename)));
  const open = async function* () {
    yield content;
  };
  const { source, seen } = recordEvidence(async (name) =>
    ok(
      await readFile(join(dist, name)).then(
        (bytes) => new Uint8Array(bytes),
        () => undefined,
      ),
    ),
  );
  const verdict = await verifyRelease({
    artifact: { name: filename, size: content.length, sha256: sha256(content), open },
    evidence: source,
    inspect: async () => ok({ findings: [] }),
    ...against,
  });
  return { verdict, evidence: seen, open };
};

/** The bytes of a kit of these entries. */
export const kitOf = async (
  entries: readonly KitEntry[],
  { expect, trust }: { expect: Expected; trust: TrustedRoot },
): Promise<Uint8Array> => {
  const { manifest, contents } = unwrap(
    draftKit({
      entries,
      expect,
      trust: { from: "test", root: trust },
      tool: "wheelseal test",
      createdAt: MADE,
      validFor: 90 * DAY,
    }),
  );
  const chunks: Uint8Array[] = [];
  unwrap(
    await writeKit(manifest, contents, async (chunk) => {
      chunks.push(Uint8Array.from(chunk));
    }),
  );
  return concat(...chunks);
};

/** A manifest as its JSON has it. */
export type RawManifest = {
  [key: string]: unknown;
  packages: { filename: string; [key: string]: unknown }[];
  files: { path: string; size: number; sha256: string }[];
};

export type Unpacked = { manifest: RawManifest; files: Map<string, Uint8Array> };

/** Takes a sound kit apart. */
export const unpack = async (bytes: Uint8Array): Promise<Unpacked> => {
  const kit = unwrap(await readBytes(bytes));
  const files = new Map<string, Uint8Array>();
  for (const [path, { access }] of kit.files) {
    files.set(path, await access.read(0, access.size));
  }
  const size = kit.manifest.files.reduce(
    (sum, one) => sum + tarHead(one.path, one.size).length + one.size + paddingOf(one.size).length,
    TAR_END.length,
  );
  const head = bytes.subarray(512, bytes.length - size);
  const end = head.lastIndexOf("}".charCodeAt(0)) + 1;
  return { manifest: JSON.parse(unwrap(fromUtf8(head.subarray(0, end)))) as RawManifest, files };
};

const member = (path: string, content: Uint8Array): Uint8Array[] => [
  tarHead(path, content.length),
  content,
  paddingOf(content.length),
];

/** Puts one together without any check; the manifest as bytes where it is to be odd. */
export const pack = (
  manifest: RawManifest | Uint8Array,
  files: Iterable<readonly [string, Uint8Array]>,
): Uint8Array => {
  const head = manifest instanceof Uint8Array ? manifest : canonicalJson(manifest);
  return concat(
    ...member("manifest.json", head),
    ...[...files].flatMap(([path, content]) => member(path, content)),
    TAR_END,
  );
};

/** The same kit, changed by somebody who knows how kits are made: every digest fits again. */
export const forge = async (
  bytes: Uint8Array,
  change: (kit: Unpacked) => void,
): Promise<Uint8Array> => {
  const kit = await unpack(bytes);
  change(kit);
  const files = [...kit.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const listed = files.map(([path, content]) => ({
    path,
    size: content.length,
    sha256: hex(sha256(content)),
  }));
  return pack({ ...kit.manifest, files: listed }, files);
};
