import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBundle } from "../../src/formats/bundle.ts";
import { base64 } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";

import { changed, entry, envelope, message, older, raw, root, V01, V02 } from "./bundles.ts";

const REFUSED: readonly [string, string, Code][] = [
  ["no JSON", "{", "FORMAT_JSON"],
  ["a duplicate key", '{"mediaType":"a","mediaType":"b"}', "FORMAT_JSON"],
  ["too many bytes", " ".repeat(16 * 1024 * 1024 + 1), "FORMAT_SIZE"],
  [
    "an unknown version",
    changed(message, (json) => {
      json.mediaType = "application/vnd.dev.sigstore.bundle.v0.4+json";
    }),
    "BUNDLE_VERSION",
  ],
  [
    "an unknown field",
    changed(message, (json) => {
      json.extra = 1;
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "an unknown field of an entry",
    changed(message, (json) => {
      entry(json).extra = 1;
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "no content",
    changed(message, (json) => {
      delete json.messageSignature;
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "two contents",
    changed(message, (json) => {
      json.dsseEnvelope = {};
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "no key",
    changed(message, (json) => {
      delete json.verificationMaterial.certificate;
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "two kinds of key",
    changed(message, (json) => {
      json.verificationMaterial.publicKey = { hint: "" };
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "a chain in version 0.3",
    changed(message, (json) => {
      delete json.verificationMaterial.certificate;
      json.verificationMaterial.x509CertificateChain = { certificates: [raw] };
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "a single certificate in version 0.2",
    changed(message, (json) => {
      json.mediaType = V02;
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "an empty chain",
    older(V02, (json) => {
      json.verificationMaterial.x509CertificateChain = { certificates: [] };
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "a chain without its list",
    older(V02, (json) => {
      json.verificationMaterial.x509CertificateChain = {};
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "a root in the chain",
    older(V02, (json) => {
      json.verificationMaterial.x509CertificateChain.certificates.push(root);
    }),
    "BUNDLE_MATERIAL",
  ],
  [
    "eleven certificates",
    older(V02, (json) => {
      json.verificationMaterial.x509CertificateChain.certificates = Array(11).fill(raw);
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "a certificate that is none",
    changed(message, (json) => {
      json.verificationMaterial.certificate.rawBytes = "AAAA";
    }),
    "CERT_FORMAT",
  ],
  [
    "an empty certificate",
    changed(message, (json) => {
      json.verificationMaterial.certificate.rawBytes = "";
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "no SET in version 0.1",
    older(V01, (json) => {
      delete entry(json).inclusionPromise;
    }),
    "TLOG_SET_MISSING",
  ],
  [
    "no proof in version 0.2",
    older(V02, (json) => {
      delete entry(json).inclusionProof;
    }),
    "TLOG_INCLUSION_MISSING",
  ],
  [
    "no checkpoint in version 0.3",
    changed(message, (json) => {
      delete entry(json).inclusionProof.checkpoint;
    }),
    "TLOG_INCLUSION_MISSING",
  ],
  [
    "a negative index",
    changed(message, (json) => {
      entry(json).logIndex = "-1";
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "an index of 2^63",
    changed(message, (json) => {
      entry(json).logIndex = String(2n ** 63n);
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "a hash of 31 bytes",
    changed(message, (json) => {
      entry(json).inclusionProof.hashes[0] = base64(new Uint8Array(31));
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "65 hashes",
    changed(message, (json) => {
      entry(json).inclusionProof.hashes = Array(65).fill(base64(new Uint8Array(32)));
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "33 entries",
    changed(message, (json) => {
      json.verificationMaterial.tlogEntries = Array(33).fill(entry(json));
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "33 timestamps",
    changed(message, (json) => {
      json.verificationMaterial.timestampVerificationData.rfc3161Timestamps = Array(33).fill({
        signedTimestamp: "AAAA",
      });
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "an endless checkpoint",
    changed(message, (json) => {
      entry(json).inclusionProof.checkpoint.envelope = "a".repeat(70_000);
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "a signature in base64url",
    changed(message, (json) => {
      json.messageSignature.signature = "_-_-";
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "an empty signature",
    changed(message, (json) => {
      json.messageSignature.signature = "";
    }),
    "BUNDLE_FORMAT",
  ],
  [
    "12 two DSSE signatures",
    changed(envelope, (json) => {
      json.dsseEnvelope.signatures.push(json.dsseEnvelope.signatures[0]);
    }),
    "DSSE_FORMAT",
  ],
  [
    "no DSSE signature",
    changed(envelope, (json) => {
      json.dsseEnvelope.signatures = [];
    }),
    "DSSE_FORMAT",
  ],
  [
    "an unknown field of an envelope",
    changed(envelope, (json) => {
      json.dsseEnvelope.extra = 1;
    }),
    "DSSE_FORMAT",
  ],
];

describe("malformed Sigstore bundles", () => {
  for (const [name, text, code] of REFUSED) {
    it(`refuses ${name}`, () => {
      const result = parseBundle(text);
      assert.ok(!result.ok);
      assert.equal(result.error.code, code, result.error.message);
    });
  }
});
