import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import {
  bundleOfDetached,
  formatCertificateFile,
  formatSignatureFile,
  parseCertificateFile,
  parseCosignBundle,
  parseSignatureFile,
} from "../../src/formats/detached.ts";
import type { Code } from "../../src/formats/errors.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf } from "../verification/forge.ts";
import { inputOf, messageBundle } from "../verification/forge-bundle.ts";

const leaf = forgeLeaf();
const bundle = messageBundle(leaf);
assert.ok(bundle.content.kind === "message-signature");
const { signature } = bundle.content;
const pem = formatPem("CERTIFICATE", leaf.certificate.der);
const [entry] = bundle.entries;

const refused = (result: Result<unknown>, code: Code): void => {
  assert.ok(!result.ok);
  assert.equal(result.error.code, code, result.error.message);
};

describe("cosign's detached files", () => {
  it("writes both on one line without newline, the certificate as base64 of PEM", () => {
    assert.deepEqual(formatSignatureFile(signature), utf8(base64(signature)));
    const crt = new TextDecoder().decode(formatCertificateFile(leaf.certificate));
    assert.match(crt, /^LS0tLS1CRUdJTi[A-Za-z0-9+/]+=*$/);
    assert.equal(Buffer.from(crt, "base64").toString(), pem);
  });

  const SIGNATURES: readonly [string, Uint8Array][] = [
    ["base64", formatSignatureFile(signature)],
    ["base64 with a newline", utf8(`${base64(signature)}\n`)],
    ["bare DER", signature],
  ];
  for (const [name, bytes] of SIGNATURES) {
    it(`reads a signature: ${name}`, () => {
      assert.deepEqual(unwrap(parseSignatureFile(bytes)), signature);
    });
  }

  const CERTIFICATES: readonly [string, Uint8Array][] = [
    ["base64 of PEM", formatCertificateFile(leaf.certificate)],
    ["PEM", utf8(pem)],
    ["DER", leaf.certificate.der],
  ];
  for (const [name, bytes] of CERTIFICATES) {
    it(`reads a certificate: ${name}`, () => {
      assert.deepEqual(unwrap(parseCertificateFile(bytes)).der, leaf.certificate.der);
    });
  }

  it("refuses other signatures", () => {
    for (const bytes of [
      utf8("?"),
      utf8(""),
      Uint8Array.of(255),
      new Uint8Array(70_000),
      utf8("AAAA".repeat(400)),
    ]) {
      refused(parseSignatureFile(bytes), "DETACHED_FORMAT");
    }
  });

  it("refuses other certificates", () => {
    for (const bytes of [
      utf8("?"),
      utf8(pem + pem),
      utf8(base64(Uint8Array.of(255))),
      new Uint8Array(70_000),
    ]) {
      refused(parseCertificateFile(bytes), "DETACHED_FORMAT");
    }
    refused(parseCertificateFile(utf8(formatPem("CERTIFICATE", Uint8Array.of(1)))), "CERT_FORMAT");
  });

  it("makes a bundle that verifies, with the log's entry", async () => {
    const made = bundleOfDetached(signature, leaf.certificate, bundle.entries);
    const verdict = await verify(inputOf(made));
    assert.ok(verdict.verified, JSON.stringify(verdict));
    const alone = await verify(inputOf(bundleOfDetached(signature, leaf.certificate, [])));
    assert.ok(!alone.verified);
    assert.equal(alone.failure.code, "TLOG_MISSING");
  });
});

const cosignJson = (cert: string) => ({
  base64Signature: base64(signature),
  cert: base64(utf8(cert)),
  rekorBundle: {
    SignedEntryTimestamp: base64(entry!.signedEntryTimestamp!),
    Payload: {
      body: base64(entry!.canonicalizedBody),
      integratedTime: Number(entry!.integratedTime),
      logIndex: Number(entry!.logIndex),
      logID: hex(entry!.logId),
    },
  },
});

describe("cosign's own bundle", () => {
  it("becomes a bundle of version 0.1 that verifies by its promise", async () => {
    const parsed = unwrap(parseCosignBundle(JSON.stringify(cosignJson(pem))));
    assert.equal(parsed.version, "0.1");
    const verdict = await verify(inputOf(parsed));
    assert.ok(verdict.verified, JSON.stringify(verdict));
    const inclusion = verdict.checks.find(({ name }) => name === "log-inclusion");
    assert.equal(inclusion?.status, "absent");
  });

  it("has a public key in the certificate's place for a managed key", async () => {
    const managed = messageBundle({ key: leaf.key, certificate: undefined });
    assert.ok(managed.content.kind === "message-signature");
    const [own] = managed.entries;
    const json = {
      ...cosignJson(formatPem("PUBLIC KEY", leaf.key.publicKey.spki)),
      base64Signature: base64(managed.content.signature),
    };
    json.rekorBundle.SignedEntryTimestamp = base64(own!.signedEntryTimestamp!);
    json.rekorBundle.Payload.body = base64(own!.canonicalizedBody);
    const parsed = unwrap(parseCosignBundle(JSON.stringify(json)));
    const expect = { kind: "key", key: leaf.key.publicKey } as const;
    const verdict = await verify(inputOf(parsed, { expect }));
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });

  it("refuses what is malformed", () => {
    refused(parseCosignBundle("{"), "FORMAT_JSON");
    refused(parseCosignBundle("{}"), "DETACHED_FORMAT");
    refused(parseCosignBundle(JSON.stringify({ ...cosignJson(pem), extra: 1 })), "DETACHED_FORMAT");
    refused(parseCosignBundle(JSON.stringify(cosignJson("?"))), "DETACHED_FORMAT");
    const badKey = formatPem("PUBLIC KEY", Uint8Array.of(1));
    refused(parseCosignBundle(JSON.stringify(cosignJson(badKey))), "DETACHED_FORMAT");
    const badBody = cosignJson(pem);
    badBody.rekorBundle.Payload.body = base64(utf8("[]"));
    refused(parseCosignBundle(JSON.stringify(badBody)), "DETACHED_FORMAT");
    badBody.rekorBundle.Payload.body = base64(utf8("x"));
    refused(parseCosignBundle(JSON.stringify(badBody)), "DETACHED_FORMAT");
  });
});
