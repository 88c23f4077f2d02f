import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { KitEntry } from "../../src/consumer/kit-export.ts";
import { TAR_END, tarHead } from "../../src/consumer/kit-tar.ts";
import { concat, utf8 } from "../../src/formats/bytes.ts";
import { requiredEvidence } from "../../src/formats/evidence.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { makeSdist, makeWheel, SDIST, sha256Hex, WHEEL } from "../stages/release-support.ts";
import { codeOf, forge, kitOf, pack, type Unpacked, unpack } from "./kit-support.ts";

/** Nothing here is verified, so nothing is signed: the archive alone is looked at. */
const entryOf = (filename: string, content: Uint8Array): KitEntry => ({
  verdict: {
    ...{ filename, size: content.length, sha256: sha256Hex(content) },
    ...{ proofs: [], findings: [], waivers: [] },
  },
  evidence: new Map(
    requiredEvidence(filename).map((name) => [name, utf8(`the content of ${name}`.padEnd(96))]),
  ),
  open: async function* () {
    yield content;
  },
});
const sound = await kitOf([entryOf(WHEEL, makeWheel()), entryOf(SDIST, makeSdist())], {
  expect: { kind: "identity", anyOf: [{ kind: "exact", san: "https://a.example", issuer: "b" }] },
  trust: unwrap(parseTrustedRoot(PUBLIC_GOOD_ROOT)),
});

/** Bytes at the start of the header of a file. */
const headerOf = (path: string): number =>
  Buffer.from(sound).indexOf(Buffer.from(`wheelseal-kit/${path}\0`));

const changed = (offset: number, byte: number): Uint8Array => {
  const bytes = Uint8Array.from(sound);
  bytes[offset] = byte;
  return bytes;
};

const wheelAt = headerOf(`packages/${WHEEL}`);
const { manifest, files } = await unpack(sound);
const listed = [...files];
const raw = (text: (json: string) => string) =>
  pack(utf8(text(new TextDecoder().decode(canonicalJson(manifest)))), listed);

const reseal = (change: (kit: Unpacked) => void) => forge(sound, change);

const link = (): Uint8Array => {
  const header = Uint8Array.from(sound.subarray(wheelAt, wheelAt + 512));
  header[156] = 0x32;
  return header;
};

const ARCHIVES: Record<string, [string, () => Uint8Array | Promise<Uint8Array>]> = {
  "nothing at all": ["KIT_FORMAT", () => new Uint8Array()],
  "one block": ["KIT_FORMAT", () => sound.subarray(0, 512)],
  "cut in the manifest": ["KIT_FORMAT", () => sound.subarray(0, 700)],
  "cut in a package": ["KIT_FORMAT", () => sound.subarray(0, wheelAt + 600)],
  "cut before the last block": ["KIT_FORMAT", () => sound.subarray(0, sound.length - 512)],
  "a byte behind": ["KIT_FORMAT", () => concat(sound, new Uint8Array(1))],
  "a block behind": ["KIT_FORMAT", () => concat(sound, new Uint8Array(512))],
  "another kit behind": ["KIT_FORMAT", () => concat(sound, sound)],
  "a member between": [
    "KIT_FORMAT",
    () =>
      concat(sound.subarray(0, wheelAt), tarHead("packages/x", 0), sound.subarray(wheelAt, -512)),
  ],
  "a link in place of a file": [
    "KIT_FORMAT",
    () => concat(sound.subarray(0, wheelAt), link(), sound.subarray(wheelAt + 512)),
  ],
  "files in another order": ["KIT_FORMAT", () => pack(manifest, listed.toReversed())],
  "a file that is not there": ["KIT_FORMAT", () => pack(manifest, listed.slice(1))],
  "a header that says another time": ["KIT_FORMAT", () => changed(wheelAt + 140, 0x31)],
  "bytes after the manifest": [
    "KIT_FORMAT",
    () => changed(512 + canonicalJson(manifest).length, 1),
  ],
  "bytes after a member": [
    "KIT_FORMAT",
    () => changed(wheelAt + 512 + (files.get(`packages/${WHEEL}`)?.length ?? 0), 1),
  ],
  "an end that is none": ["KIT_FORMAT", () => changed(sound.length - 1, 1)],
  "a compressed kit": ["KIT_FORMAT", () => new Uint8Array(gzipSync(sound))],
  "a bomb": ["KIT_FORMAT", () => new Uint8Array(gzipSync(new Uint8Array(64 * 1024 * 1024)))],
  "a tar of something else": ["KIT_FORMAT", () => concat(tarHead("packages/x", 0), TAR_END)],
  "a manifest larger than any": ["KIT_FORMAT", () => concat(tarHead("manifest.json", 8e9), sound)],
  "a manifest with a space": ["KIT_MANIFEST", () => raw((json) => json.replace(":", ": "))],
  "a manifest with a key twice": [
    "KIT_MANIFEST",
    () => raw((json) => json.replace("{", '{"kind":"kit",')),
  ],
  "a manifest that is no JSON": ["KIT_MANIFEST", () => raw((json) => json.slice(1))],
  "a manifest of a later format": [
    "KIT_MANIFEST",
    () => raw((json) => json.replace("kit.v1+json", "kit.v2+json")),
  ],
  "a manifest with more to say": ["KIT_MANIFEST", () => pack({ ...manifest, more: 1 }, listed)],
  "no policy": ["KIT_MANIFEST", () => reseal((kit) => kit.files.delete("policy.json"))],
  "no trust root": [
    "KIT_MANIFEST",
    () => reseal((kit) => kit.files.delete("trust/trusted_root.json")),
  ],
  "a package that is listed and not there": [
    "KIT_MANIFEST",
    () => reseal((kit) => kit.files.delete(`packages/${WHEEL}`)),
  ],
  "no package": [
    "DIST_EMPTY",
    () =>
      reseal((kit) => {
        kit.manifest.packages = [];
      }),
  ],
  "a file of another digest": [
    "KIT_DIGEST",
    () => pack(manifest, [...files.set(`packages/${WHEEL}.sig`, new Uint8Array(96))]),
  ],
};

for (const [what, [code, bytes]] of Object.entries(ARCHIVES)) {
  test(`${what}: ${code}`, async () => {
    assert.equal(await codeOf(await bytes()), code);
  });
}

for (const path of [
  "../outside",
  "/etc/passwd",
  "packages/../../x",
  `packages/./${WHEEL}`,
  `packages//${WHEEL}`,
  `packages\\${WHEEL}`,
  "packages/C:x",
  `packages/${WHEEL}/x`,
  `packages/${WHEEL.toUpperCase()}`,
  "packages/.pth",
  "packages/evil-1.0-py3-none-any.whl",
  "packages/",
  "simple/index.html",
  "import.json",
  "manifest.json",
  "source/a/b",
  "trust/trusted_root.json/x",
  "POLICY.json",
  "",
]) {
  test(`a file at ${JSON.stringify(path)}: KIT_PATH`, async () => {
    const bytes = await reseal((kit) => kit.files.set(path, utf8("x")));
    assert.equal(await codeOf(bytes), "KIT_PATH");
  });
}

test("the same place twice, or the same package: KIT_PATH", async () => {
  const twice = { ...manifest, files: [...manifest.files, manifest.files.at(-1) as never] };
  assert.equal(await codeOf(pack(twice, [...listed, listed.at(-1) as never])), "KIT_PATH");
  const doubled = await reseal((kit) => {
    kit.manifest.packages = [...kit.manifest.packages, kit.manifest.packages[0] as never];
  });
  assert.equal(await codeOf(doubled), "KIT_PATH");
});

test("no byte of a kit can be another", async () => {
  // The manifest is no promise by itself: who changes it can change it all.
  for (let at = wheelAt; at < sound.length; at += 97) {
    assert.notEqual(await codeOf(changed(at, (sound[at] ?? 0) ^ 1)), "ok", `byte ${at}`);
  }
});

test("no length of a kit can be another", async () => {
  for (let length = 0; length < sound.length; length += 511) {
    assert.notEqual(await codeOf(sound.subarray(0, length)), "ok", `${length} bytes`);
  }
});
