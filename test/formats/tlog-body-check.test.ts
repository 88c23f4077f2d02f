import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { importPublicKey } from "../../src/crypto/keys.ts";
import { equal, fromUtf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { parsePem } from "../../src/formats/pem.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import {
  type BodyVerifier,
  certificateVerifier,
  expectedBody,
  keyVerifier,
  type Logged,
} from "../../src/formats/tlog-body.ts";
import { checkBody } from "../../src/formats/tlog-body-check.ts";
import { parseBody } from "../../src/formats/tlog-body-parse.ts";
import {
  CONFORMANCE,
  fromBase64Text,
  goodCases,
  leafOf,
  type RawBundle,
  readBundle,
  readVector,
  skipConformance as skip,
} from "./conformance.ts";

const codeOf = (result: Result<unknown>): string => (result.ok ? "accepted" : result.error.code);

const verifierOf = (name: string, bundle: RawBundle): BodyVerifier => {
  const leaf = leafOf(bundle);
  if (leaf !== undefined) return certificateVerifier(unwrap(parseCertificate(leaf)));
  const pem = unwrap(fromUtf8(readVector(`${name}/key.pub`)));
  return keyVerifier(importPublicKey(unwrap(parsePem(pem, "PUBLIC KEY"))[0]!)!);
};

const loggedOf = (name: string, bundle: RawBundle): Logged => {
  const verifier = verifierOf(name, bundle);
  const { dsseEnvelope: dsse, messageSignature } = bundle;
  if (dsse !== undefined) {
    const signature = fromBase64Text(dsse.signatures[0]!.sig);
    const payload = fromBase64Text(dsse.payload);
    const envelope = { payloadType: dsse.payloadType, payload, signature, keyid: "" };
    return { kind: "envelope", verifier, envelope };
  }
  const own = existsSync(`${CONFORMANCE}/${name}/artifact`);
  const digest = sha256(readVector(own ? `${name}/artifact` : "a.txt"));
  const signature = fromBase64Text(messageSignature!.signature);
  return { kind: "artifact", verifier, hash: "sha256", digest, signature };
};

const entriesOf = (name: string) => {
  const bundle = readBundle(name);
  const logged = loggedOf(name, bundle);
  return bundle.verificationMaterial.tlogEntries.map((entry) => ({
    body: fromBase64Text(entry.canonicalizedBody),
    ...entry.kindVersion,
    logged,
  }));
};

test("recorded entries are recomputed, byte for byte", { skip }, () => {
  const kinds = new Set<string>();
  for (const name of goodCases()) {
    for (const { body, kind, version, logged } of entriesOf(name)) {
      assert.equal(codeOf(checkBody(body, kind, version, logged)), "accepted", name);
      const parsed = unwrap(parseBody(body));
      assert.ok(equal(parsed.signatures[0]!.verifier.der, logged.verifier.der), name);
      if (kind === "hashedrekord") {
        assert.deepEqual(unwrap(expectedBody(kind, version, logged)), body, name);
      }
      kinds.add(`${kind} ${version}`);
    }
  }
  assert.deepEqual([...kinds].sort(), [
    "dsse 0.0.1",
    "hashedrekord 0.0.1",
    "hashedrekord 0.0.2",
    "intoto 0.0.2",
  ]);
});

test("a recorded dsse entry follows from the envelope's text", { skip }, () => {
  const name = "happy-path-intoto-in-dsse-v3";
  const [{ body, logged }] = entriesOf(name) as [ReturnType<typeof entriesOf>[number]];
  const { payload, payloadType, signatures } = readBundle(name).dsseEnvelope!;
  const text = JSON.stringify({
    payload,
    payloadType,
    signatures: signatures.map(({ sig }) => ({ sig })),
  });
  assert.deepEqual(unwrap(expectedBody("dsse", "0.0.1", logged, text)), body);
});

const REFUSED_CASES: Record<string, string> = {
  "wrong-hashedrekord-entry_fail": "body.spec.data.hash.value",
  "wrong-hashedrekord-cert-and-sig_fail": "body.spec.signature.content",
  "dsse-mismatch-sig_fail": "body.spec.signatures.0.signature",
  "dsse-mismatch-envelope_fail": "body.spec.payloadHash.value",
  "intoto-log-entry-mismatch_fail": "body.spec.content.envelope.signatures.0.sig",
  "rekor2-dsse-mismatch-sig_fail": "body.spec.hashedRekordV002.signature.content",
  "rekor2-dsse-mismatch-envelope_fail": "body.spec.hashedRekordV002.data.digest",
};
for (const [name, place] of Object.entries(REFUSED_CASES)) {
  test(`recorded and refused: ${name}`, { skip }, () => {
    const [{ body, kind, version, logged }] = entriesOf(name) as [
      ReturnType<typeof entriesOf>[number],
    ];
    const result = checkBody(body, kind, version, logged);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "TLOG_BODY");
    assert.ok(result.error.message.endsWith(place), result.error.message);
  });
}
