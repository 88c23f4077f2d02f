import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import type { Envelope } from "../../src/formats/bundle.ts";
import { base64, fromUtf8, hex, utf8 } from "../../src/formats/bytes.ts";
import { envelopePae } from "../../src/formats/dsse.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { expectedBody, keyVerifier, type Logged } from "../../src/formats/tlog-body.ts";
import { checkBody } from "../../src/formats/tlog-body-check.ts";
import { parseBody } from "../../src/formats/tlog-body-parse.ts";

const codeOf = (result: Result<unknown>): string => (result.ok ? "accepted" : result.error.code);

const KEY = generateKey("ecdsa-p256");
const VERIFIER = keyVerifier(KEY.publicKey);
const MESSAGE = utf8("artifact");
const ENVELOPE: Envelope = {
  payloadType: "application/vnd.in-toto+json",
  payload: utf8("{}"),
  signature: Uint8Array.of(1, 2, 3),
  keyid: "",
};
const ARTIFACT: Logged = {
  kind: "artifact",
  verifier: VERIFIER,
  hash: "sha256",
  digest: sha256(MESSAGE),
  signature: sign(KEY, "sha256", MESSAGE),
};
const ENCLOSED: Logged = { kind: "envelope", verifier: VERIFIER, envelope: ENVELOPE };
const TEXT = JSON.stringify({ payload: "e30=" });

/** The body of an in-toto entry as Rekor writes it: payload and signature are encoded twice. */
const intotoBody = (): Uint8Array => {
  const twice = (bytes: Uint8Array): string => base64(utf8(base64(bytes)));
  const publicKey = base64(utf8(formatPem("PUBLIC KEY", VERIFIER.der)));
  return canonicalJson({
    apiVersion: "0.0.2",
    kind: "intoto",
    spec: {
      content: {
        envelope: {
          payloadType: ENVELOPE.payloadType,
          signatures: [{ publicKey, sig: twice(ENVELOPE.signature), keyid: "k" }],
        },
        hash: { algorithm: "sha256", value: hex(sha256(utf8(TEXT))) },
        payloadHash: { algorithm: "sha256", value: hex(sha256(ENVELOPE.payload)) },
      },
    },
  });
};

const MADE = [
  ["hashedrekord", "0.0.1", ARTIFACT, unwrap(expectedBody("hashedrekord", "0.0.1", ARTIFACT))],
  ["hashedrekord", "0.0.2", ARTIFACT, unwrap(expectedBody("hashedrekord", "0.0.2", ARTIFACT))],
  ["hashedrekord", "0.0.2", ENCLOSED, unwrap(expectedBody("hashedrekord", "0.0.2", ENCLOSED))],
  ["dsse", "0.0.1", ENCLOSED, unwrap(expectedBody("dsse", "0.0.1", ENCLOSED, TEXT))],
  ["dsse", "0.0.2", ENCLOSED, unwrap(expectedBody("dsse", "0.0.2", ENCLOSED))],
  ["intoto", "0.0.2", ENCLOSED, intotoBody()],
] as const;

/** The same entry about something slightly else: each must be refused. */
const others = (logged: Logged): Record<string, Logged> => {
  const other = generateKey("ecdsa-p256").publicKey;
  const verifiers = {
    "another key": { ...logged, verifier: keyVerifier(other) },
    "a certificate for the key": {
      ...logged,
      verifier: { ...VERIFIER, kind: "certificate" },
    },
  } satisfies Record<string, Logged>;
  if (logged.kind === "artifact") {
    return {
      ...verifiers,
      "another digest": { ...logged, digest: sha256(utf8("other")) },
      "another signature of the same key": { ...logged, signature: sign(KEY, "sha256", MESSAGE) },
    };
  }
  const { envelope } = logged;
  return {
    ...verifiers,
    "another payload": { ...logged, envelope: { ...envelope, payload: utf8("[]") } },
    "another signature": { ...logged, envelope: { ...envelope, signature: Uint8Array.of(4) } },
  };
};

for (const [kind, version, logged, body] of MADE) {
  test(`${kind} ${version} of an ${logged.kind}: accepted as it is, refused for all else`, () => {
    assert.equal(codeOf(checkBody(body, kind, version, logged)), "accepted");
    for (const [name, other] of Object.entries(others(logged))) {
      assert.equal(codeOf(checkBody(body, kind, version, other)), "TLOG_BODY", name);
    }
    const { digest, signatures } = unwrap(parseBody(body));
    const payload = kind === "hashedrekord" ? envelopePae(ENVELOPE) : ENVELOPE.payload;
    assert.deepEqual(digest.bytes, logged.kind === "artifact" ? logged.digest : sha256(payload));
    const signature = logged.kind === "artifact" ? logged.signature : ENVELOPE.signature;
    assert.deepEqual(
      signatures.map((item) => item.signature),
      [signature],
    );
  });

  test(`${kind} ${version} of an ${logged.kind}: every other spelling is refused`, () => {
    const text = unwrap(fromUtf8(body));
    const changed: Record<string, [string, string]> = {
      "a space": [text.replace(":", ": "), "TLOG_BODY"],
      "a newline behind": [`${text}\n`, "TLOG_BODY"],
      "a member more": [text.replace('"spec":{', '"spec":{"also":1,'), "TLOG_BODY"],
      "a member more outside": [text.replace('"kind"', '"extra":1,"kind"'), "TLOG_BODY"],
      "a duplicate key": [text.replace("{", `{"kind":"${kind}",`), "TLOG_ENTRY_FORMAT"],
      "another order": [
        text
          .replace(`"apiVersion":"${version}",`, "")
          .replace(/\}$/, `,"apiVersion":"${version}"}`),
        "TLOG_BODY",
      ],
      "another version inside": [text.replace(`"${version}"`, '"0.0.9"'), "TLOG_BODY"],
      "another kind inside": [text.replace(`"kind":"${kind}"`, '"kind":"rekord"'), "TLOG_BODY"],
      "an escaped letter": [text.replace('"kind"', '"\\u006bind"'), "TLOG_BODY"],
      "cut off": [text.slice(0, -1), "TLOG_ENTRY_FORMAT"],
    };
    for (const [name, [candidate, code]] of Object.entries(changed)) {
      assert.notEqual(candidate, text, name);
      assert.equal(codeOf(checkBody(utf8(candidate), kind, version, logged)), code, name);
      assert.equal(codeOf(parseBody(utf8(candidate))), "TLOG_ENTRY_FORMAT", name);
    }
  });

  test(`${kind} ${version} of an ${logged.kind}: no flipped bit is accepted`, () => {
    const free = /"(?:envelopeHash|hash)":\{"algorithm":"sha256","value":"([0-9a-f]{64})"/;
    const text = unwrap(fromUtf8(body));
    const found = kind === "hashedrekord" ? null : free.exec(text);
    const start = found === null ? -1 : found.index + found[0].length - 65;
    for (let at = 0; at < body.length; at += 1) {
      // The hash over the submitted text cannot be recomputed: it may be any digest.
      if (start >= 0 && at >= start && at < start + 64) continue;
      const flipped = body.with(at, body[at]! ^ (1 << (at % 7)));
      const result = checkBody(flipped, kind, version, logged);
      const free = kind === "intoto" && text.slice(at - 9, at) === '"keyid":"';
      assert.equal(result.ok, free, `${at}: ${text.slice(at - 10, at + 1)}`);
    }
  });
}

test("PEM may be spelled in other lines, but must be the same DER", () => {
  const pem = formatPem("PUBLIC KEY", VERIFIER.der);
  const body = unwrap(fromUtf8(MADE[0][3]));
  const spelled = (other: string): Uint8Array =>
    utf8(body.replace(base64(utf8(pem)), base64(utf8(other))));
  const check = (other: string): string =>
    codeOf(checkBody(spelled(other), "hashedrekord", "0.0.1", ARTIFACT));
  assert.equal(check(pem.replace(/(?<=[\w+/=])\n(?=[\w+/=])/g, "")), "accepted");
  assert.equal(check(pem.trimEnd()), "accepted");
  assert.equal(check(pem + pem), "TLOG_BODY");
  assert.equal(check(formatPem("CERTIFICATE", VERIFIER.der)), "TLOG_BODY");
  assert.equal(check(`${pem}x`), "TLOG_BODY");
});

test("the hash over the submitted text must at least be a hash", () => {
  const [, , , body] = MADE[3];
  const text = unwrap(fromUtf8(body));
  const check = (value: string): string => {
    const other = text.replace(hex(sha256(utf8(TEXT))), value);
    return codeOf(checkBody(utf8(other), "dsse", "0.0.1", ENCLOSED));
  };
  assert.equal(check("0".repeat(64)), "accepted");
  assert.equal(check("0".repeat(63)), "TLOG_BODY");
  assert.equal(check("A".repeat(64)), "TLOG_BODY");
});

test("kinds that are not supported, or do not hold such content", () => {
  const [, , , body] = MADE[0];
  assert.equal(codeOf(checkBody(body, "hashedrekord", "0.0.9", ARTIFACT)), "TLOG_KIND");
  assert.equal(codeOf(checkBody(body, "rekord", "0.0.1", ARTIFACT)), "TLOG_KIND");
  assert.equal(codeOf(checkBody(body, "hashedrekord", "0.0.1", ENCLOSED)), "TLOG_KIND");
  assert.equal(codeOf(expectedBody("dsse", "0.0.1", ARTIFACT)), "TLOG_KIND");
  assert.equal(codeOf(expectedBody("dsse", "0.0.1", ENCLOSED)), "TLOG_KIND");
  assert.equal(codeOf(expectedBody("intoto", "0.0.2", ENCLOSED)), "TLOG_KIND");
  assert.equal(codeOf(checkBody(utf8("{}"), "dsse", "0.0.1", ENCLOSED)), "TLOG_ENTRY_FORMAT");
});

test("the kind in the bundle and the kind in the body must be the same", () => {
  const [, , , v2] = MADE[1];
  assert.equal(codeOf(checkBody(v2, "hashedrekord", "0.0.1", ARTIFACT)), "TLOG_ENTRY_FORMAT");
  const [, , , dsse] = MADE[4];
  assert.equal(codeOf(checkBody(dsse, "hashedrekord", "0.0.2", ENCLOSED)), "TLOG_BODY");
});

test("Rekor v2 hashes an envelope with the hash of its key", () => {
  for (const [algorithm, details, hash] of [
    ["ecdsa-p384", "PKIX_ECDSA_P384_SHA_384", "SHA2_384"],
    ["ecdsa-p521", "PKIX_ECDSA_P521_SHA_512", "SHA2_512"],
    ["ed25519", "PKIX_ED25519", "SHA2_512"],
    ["rsa-pkcs1v15", "PKIX_RSA_PKCS1V15_2048_SHA256", "SHA2_256"],
  ] as const) {
    const verifier = keyVerifier(generateKey(algorithm).publicKey);
    const body = unwrap(expectedBody("hashedrekord", "0.0.2", { ...ENCLOSED, verifier }));
    const text = unwrap(fromUtf8(body));
    assert.ok(text.includes(`"keyDetails":"${details}"`), text);
    assert.ok(text.includes(`"algorithm":"${hash}"`), text);
  }
});
