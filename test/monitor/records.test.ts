import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemFiles } from "../../src/clients/files.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { formatBundle } from "../../src/formats/bundle.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { formatCertificateFile } from "../../src/formats/detached.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import type { SignedEntry } from "../../src/monitor/alarm.ts";
import { isKnown, noRecords, type Records } from "../../src/monitor/records.ts";
import { readRecords } from "../../src/monitor/records-folder.ts";
import { CONTENT, forgeLeaf } from "../verification/forge.ts";
import { envelopeBundle, messageBundle } from "../verification/forge-bundle.ts";

const root = mkdtempSync(join(tmpdir(), "wheelseal-records-"));
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A folder with these files; names may have folders in them. */
const folderOf = (files: Readonly<Record<string, Uint8Array | string>>): string => {
  folders += 1;
  const folder = join(root, `${folders}`);
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
};

const read = async (files: Readonly<Record<string, Uint8Array | string>>) =>
  unwrap(await readRecords([folderOf(files)], systemFiles));

const leaf = forgeLeaf();
const other = forgeLeaf();
const by = ({ certificate }: typeof leaf) => hex(sha256(certificate.der));

const entry = (
  digest: string | undefined,
  certificate = by(leaf),
  leafDigest = "00",
): SignedEntry => ({
  index: 1,
  leafHash: leafDigest,
  ...(digest === undefined ? {} : { digest }),
  certificate: { sha256: certificate, pem: "", san: "", issuer: "", claims: {}, notBefore: "" },
});

const digest = `sha256:${hex(sha256(CONTENT))}`;
const known = (records: Records, one: SignedEntry) =>
  [false, true].map((strict) => isKnown(records, one, strict));

test("a bundle knows its file by its certificate, and no other", async () => {
  const bundle = messageBundle(leaf);
  const { records, files } = await read({ "deep/er/a.whl.sigstore.json": formatBundle(bundle) });
  assert.equal(files, 1);
  assert.deepEqual(known(records, entry(digest)), [true, true]);
  assert.deepEqual(known(records, entry(digest, by(other))), [false, false]);
  assert.deepEqual(known(records, entry(`sha256:${"0".repeat(64)}`)), [false, false]);
  const body = bundle.entries[0]?.canonicalizedBody ?? new Uint8Array();
  assert.deepEqual(known(records, entry(undefined, by(other), hex(leafHash(body)))), [true, true]);
  assert.deepEqual(known(records, entry(undefined)), [false, false]);
});

test("an envelope is known by its payload, as Rekor v1 logs it, and by its PAE, as v2 does", async () => {
  const bundle = envelopeBundle(leaf);
  const { content } = bundle;
  assert.ok(content.kind === "dsse");
  const { payload, payloadType } = content.envelope;
  const { records } = await read({ "a.whl.sigstore.json": formatBundle(bundle) });
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  const pae = sha256(Buffer.concat([utf8(head), payload]));
  for (const one of [sha256(payload), pae]) {
    assert.deepEqual(known(records, entry(`sha256:${hex(one)}`)), [true, true]);
    assert.deepEqual(known(records, entry(`sha256:${hex(one)}`, by(other))), [false, false]);
  }
});

test("a file beside its .crt is known by that certificate", async () => {
  const crt = formatCertificateFile(leaf.certificate);
  const { records, files } = await read({ "a.whl": CONTENT, "a.whl.crt": crt, "lone.crt": crt });
  assert.equal(files, 1);
  assert.deepEqual(known(records, entry(digest)), [true, true]);
  assert.deepEqual(known(records, entry(digest, by(other))), [false, false]);
});

test("lists of digests know whatever certificate, unless strict", async () => {
  const value = hex(sha256(CONTENT));
  for (const line of [value, `sha256:${value}`, `${value}  a.whl`, `# of May\n\n${value}\r`]) {
    const { records, malformed } = await read({ "known.sha256": `${line}\n` });
    assert.deepEqual(malformed, []);
    assert.deepEqual(known(records, entry(digest, by(other))), [true, false]);
  }
});

test("a report knows what was built and the entries that were verified", async () => {
  const leafDigest = "ab".repeat(32);
  const report = {
    record: { distributions: [{ filename: "a.whl", sha256: hex(sha256(CONTENT)), size: 1 }] },
    files: [
      {
        proofs: [
          { verdict: { logged: [{ inclusion: { leafHash: leafDigest } }, { logIndex: "1" }] } },
        ],
      },
      { proofs: [{ verdict: { verified: false } }] },
    ],
  };
  const { records } = await read({ "wheelseal-report.json": JSON.stringify(report) });
  assert.deepEqual(known(records, entry(digest)), [true, false]);
  assert.deepEqual(known(records, entry(undefined, "", leafDigest)), [true, true]);
});

test("malformed records know nothing and are told, and other files are passed over", async () => {
  const { records, files, malformed } = await read({
    "a.sigstore.json": "{}",
    "b.attestation": "no",
    "wheelseal-build.json": "{}",
    "wheelseal-report.json": "[]",
    "c.sha256": "what?",
    "d.crt": "no certificate",
    d: "",
    "README.md": "hello",
  });
  assert.deepEqual([records, files], [noRecords(), 0]);
  assert.equal(malformed.length, 6);
});

test("a folder that is not there is a failure, and links are not followed", async () => {
  const refused = await readRecords([join(root, "absent")], systemFiles);
  assert.equal(refused.ok ? "" : refused.error.code, "FILE_UNREADABLE");
  const folder = folderOf({ "known.sha256": `${hex(sha256(CONTENT))}\n` });
  const linked = folderOf({});
  symlinkSync(folder, join(linked, "link"));
  symlinkSync(join(folder, "known.sha256"), join(linked, "link.sha256"));
  assert.equal(unwrap(await readRecords([linked], systemFiles)).files, 0);
});
