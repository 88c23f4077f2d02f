import assert from "node:assert/strict";
import {
  formatKitManifest,
  type KitManifest,
  parseKitManifest,
} from "../../src/consumer/kit-manifest.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { pack, readBytes } from "../consumer/kit-support.ts";
import { exact, type Target, target } from "./target.ts";

const WHEEL = "demo_pkg-1.0-py3-none-any.whl";
const contents: readonly (readonly [string, Uint8Array])[] = [
  [`packages/${WHEEL}`, utf8("a wheel")],
  [`packages/${WHEEL}.sig`, utf8("a signature")],
  ["policy.json", utf8("{}")],
  ["trust/trusted_root.json", utf8("{}")],
];

const manifest: KitManifest = {
  kind: "kit",
  tool: "wheelseal test",
  createdAt: 0,
  expiresAt: 1,
  trust: {
    from: "test",
    tuf: { mirror: "https://tuf.example", rootVersion: 1, expires: "2027-01-01T00:00:00Z" },
  },
  policy: { from: "test", sha256: "0".repeat(64) },
  packages: [
    {
      filename: WHEEL,
      demands: "release",
      verdict: "verified",
      signer: { identity: "https://gitlab.example/a/b", issuer: "https://gitlab.example" },
      signedAt: ["2026-01-01T00:00:00Z"],
      logged: [{ logId: "00", logIndex: "1", checkpoint: "origin\n1\nAA==\n\n— a b\n" }],
    },
  ],
  files: contents.map(([path, bytes]) => ({
    path,
    size: bytes.length,
    sha256: hex(sha256(bytes)),
  })),
};
const head = formatKitManifest(manifest);

/** Reads a kit; one that is accepted is, byte for byte, what is written of its content. */
const readExactly = async (input: Uint8Array) => {
  const kit = await readBytes(input);
  if (!kit.ok) return kit;
  const files: [string, Uint8Array][] = [];
  for (const [path, { access }] of kit.value.files) {
    files.push([path, await access.read(0, access.size)]);
  }
  assert.deepEqual(pack(formatKitManifest(kit.value.manifest), files), input);
  return kit;
};

/** What the consumer's side reads of others. */
export const CONSUMER: readonly Target[] = [
  target("kit manifest", [head], parseKitManifest, exact(formatKitManifest)),
  target("kit", [pack(head, contents)], readExactly),
];
