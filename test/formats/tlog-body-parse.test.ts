import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { base64, utf8 } from "../../src/formats/bytes.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseBody } from "../../src/formats/tlog-body-parse.ts";

const DER = Uint8Array.of(0x30, 0);
const HEX = "0".repeat(64);
const pemOf = (...labels: ("CERTIFICATE" | "PUBLIC KEY")[]): string =>
  base64(utf8(labels.map((label) => formatPem(label, DER)).join("")));

const body = (kind: string, apiVersion: string, spec: unknown): Uint8Array =>
  canonicalJson({ apiVersion, kind, spec });

const rekord = (hash: unknown, content: string): Uint8Array =>
  body("hashedrekord", "0.0.1", {
    data: { hash },
    signature: { content: "AQ==", publicKey: { content } },
  });

const rekordV2 = (data: unknown, verifier: unknown): Uint8Array =>
  body("hashedrekord", "0.0.2", {
    hashedRekordV002: { data, signature: { content: "AQ==", verifier } },
  });

const dsseOf = (signatures: unknown): Uint8Array => {
  const hash = { algorithm: "sha256", value: HEX };
  return body("dsse", "0.0.1", { envelopeHash: hash, payloadHash: hash, signatures });
};

const SHA256 = { algorithm: "sha256", value: HEX };
const SHA2_256 = { algorithm: "SHA2_256", digest: base64(new Uint8Array(32)) };
const RAW = { rawBytes: base64(DER) };
const keyed = (holder: Record<string, unknown>): unknown => ({ keyDetails: "x", ...holder });
const signature = { signature: "AQ==", verifier: pemOf("CERTIFICATE") };

describe("bodies that are read", () => {
  const cases: [string, Uint8Array, "certificate" | "public-key"][] = [
    ["with a certificate", rekord(SHA256, pemOf("CERTIFICATE")), "certificate"],
    ["with a key", rekord(SHA256, pemOf("PUBLIC KEY")), "public-key"],
    ["with a raw certificate", rekordV2(SHA2_256, keyed({ x509Certificate: RAW })), "certificate"],
    ["with a raw key", rekordV2(SHA2_256, keyed({ publicKey: RAW })), "public-key"],
    ["with a signature of an envelope", dsseOf([signature]), "certificate"],
  ];
  for (const [name, bytes, kind] of cases) {
    test(name, () => {
      const { digest, signatures } = unwrap(parseBody(bytes));
      assert.deepEqual(digest, { hash: "sha256", bytes: new Uint8Array(32) });
      assert.deepEqual(signatures, [{ signature: Uint8Array.of(1), verifier: { kind, der: DER } }]);
    });
  }
});

describe("bodies that are refused", () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ["another hash", rekord({ algorithm: "sha1", value: HEX }, pemOf("CERTIFICATE")), /unknown/],
    [
      "a hash of an inherited name",
      rekord({ algorithm: "toString", value: HEX }, pemOf("CERTIFICATE")),
      /unknown/,
    ],
    [
      "a digest of another length",
      rekord({ algorithm: "sha512", value: HEX }, pemOf("CERTIFICATE")),
      /wrong length/,
    ],
    ["two certificates", rekord(SHA256, pemOf("CERTIFICATE", "CERTIFICATE")), /PEM/],
    ["a key and a certificate", rekord(SHA256, pemOf("PUBLIC KEY", "CERTIFICATE")), /PEM|body/],
    ["no PEM", rekord(SHA256, base64(utf8(""))), /PEM/],
    ["a key that is no text", rekord(SHA256, base64(Uint8Array.of(0xff))), /UTF-8/],
    ["no raw key", rekordV2(SHA2_256, keyed({})), /not exactly one key/],
    [
      "two raw keys",
      rekordV2(SHA2_256, keyed({ publicKey: RAW, x509Certificate: RAW })),
      /not exactly one key/,
    ],
    [
      "a raw hash without a name",
      rekordV2({ ...SHA2_256, algorithm: "" }, keyed({ publicKey: RAW })),
      /unknown/,
    ],
    ["no signatures", dsseOf([]), /empty/],
    ["very many signatures", dsseOf(Array(1000).fill(signature)), /body/],
    ["a field nobody knows", dsseOf([{ ...signature, more: 1 }]), /not allowed/],
    ["another kind", body("helm", "0.0.1", {}), /not supported/],
    ["a kind of another version", body("dsse", "0.0.3", {}), /not supported/],
    ["spaces", utf8('{ "a":1}'), /canonical/],
    ["no JSON", utf8("{"), /body/],
  ];
  for (const [name, bytes, message] of cases) {
    test(name, () => {
      const outcome = parseBody(bytes);
      assert.ok(!outcome.ok, "was accepted");
      assert.match(outcome.error.message, message);
      assert.equal(outcome.error.code, "TLOG_ENTRY_FORMAT");
    });
  }
});
