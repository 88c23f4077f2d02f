import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "../../src/crypto/hash.ts";
import { importPublicKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import type { Bundle } from "../../src/formats/bundle.ts";
import { base64, concat, utf8 } from "../../src/formats/bytes.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  certificateVerifier,
  expectedBody,
  keyVerifier,
  type Logged,
} from "../../src/formats/tlog-body.ts";
import { verify } from "../../src/verification/verify.ts";
import { CONTENT, FILENAME, forgeLeaf, LOG_HOST, WORLD } from "./forge.ts";
import {
  entryV1,
  envelopeBundle,
  inputOf,
  messageBundle,
  promiseOf,
  proofOf,
  statementOf,
  withEntry,
} from "./forge-bundle.ts";
import { type Case, refuses } from "./refuses.ts";

const leaf = forgeLeaf();
const message = messageBundle(leaf);
const envelope = envelopeBundle(leaf);
const OTHER = utf8("another wheel");

/** The same evidence, with the entry's body replaced and everything above it made good again. */
const relogged = (bundle: Bundle, body: Uint8Array, kind?: string, version?: string): Bundle =>
  withEntry(bundle, (entry) => {
    const changed = {
      ...entry,
      kind: kind ?? entry.kind,
      version: version ?? entry.version,
      canonicalizedBody: body,
      inclusionProof: proofOf(body, WORLD.log, LOG_HOST),
    };
    return { ...changed, signedEntryTimestamp: promiseOf(changed, WORLD.log) };
  });

const logged = (changes: Partial<Extract<Logged, { kind: "artifact" }>> = {}): Logged => {
  assert.ok(message.content.kind === "message-signature");
  return {
    kind: "artifact",
    hash: "sha256",
    digest: sha256(CONTENT),
    signature: message.content.signature,
    verifier: certificateVerifier(leaf.certificate),
    ...changes,
  };
};

const bodyOf = (changes: Partial<Extract<Logged, { kind: "artifact" }>>): Uint8Array =>
  unwrap(expectedBody("hashedrekord", "0.0.1", logged(changes)));

/** A second key under which the same ECDSA signature over the same digest is good (SEC 1 §4.1.6). */
const twinKey = (signature: Uint8Array, digest: Uint8Array) => {
  const recovered = [0, 1, 2, 3].flatMap((bit) => {
    try {
      const compact = p256.Signature.fromBytes(signature, "der");
      const point = compact.addRecoveryBit(bit).recoverPublicKey(digest);
      return [point.toBytes(false)];
    } catch {
      return [];
    }
  });
  const own = leaf.key.publicKey.spki;
  const prefix = own.subarray(0, own.length - 65);
  return recovered
    .map((point) => importPublicKey(concat(prefix, point))!)
    .find((key) => base64(key.spki) !== base64(own))!;
};

const editText = (bytes: Uint8Array, edit: (text: string) => string): Uint8Array =>
  utf8(edit(new TextDecoder().decode(bytes)));

const entryBody = message.entries[0]!.canonicalizedBody;

const changeEnvelope = (change: {
  payload?: Uint8Array;
  payloadType?: string;
  signature?: Uint8Array;
}): Bundle => {
  assert.ok(envelope.content.kind === "dsse");
  return {
    ...envelope,
    content: { kind: "dsse", envelope: { ...envelope.content.envelope, ...change } },
  };
};

const CASES: readonly Case[] = [
  [
    "1 a byte of the artifact is changed",
    () => inputOf(message, { artifact: artifactOfBytes(OTHER, FILENAME) }),
    "SIGNATURE_DIGEST",
  ],
  [
    "1 a byte of the artifact is changed, and the bundle states no digest",
    () => {
      assert.ok(message.content.kind === "message-signature");
      const content = { ...message.content, digest: undefined };
      return inputOf({ ...message, content }, { artifact: artifactOfBytes(OTHER) });
    },
    "TLOG_BODY",
  ],
  [
    "2 the bundle is another file's",
    () => inputOf(messageBundle(leaf, entryV1, OTHER)),
    "SIGNATURE_DIGEST",
  ],
  [
    "3 the entry is for another digest",
    () => inputOf(relogged(message, bodyOf({ digest: sha256(OTHER) }))),
    "TLOG_BODY",
  ],
  [
    "4 the entry holds a second good signature over the same digest",
    () => inputOf(relogged(message, bodyOf({ signature: sign(leaf.key, "sha256", CONTENT) }))),
    "TLOG_BODY",
  ],
  [
    "6 the entry's certificate is another one of the same identity and key",
    () => {
      const { certificate } = forgeLeaf({ key: leaf.key });
      return inputOf(relogged(message, bodyOf({ verifier: certificateVerifier(certificate) })));
    },
    "TLOG_BODY",
  ],
  [
    "6 the entry holds the bare key instead of the certificate",
    () => inputOf(relogged(message, bodyOf({ verifier: keyVerifier(leaf.key.publicKey) }))),
    "TLOG_BODY",
  ],
  [
    "7 the bundle names another kind than the body",
    () => inputOf(relogged(message, entryBody, "hashedrekord", "0.0.2")),
    "TLOG_BODY",
  ],
  [
    "7 the body names another version than the bundle",
    () =>
      inputOf(
        relogged(
          message,
          editText(entryBody, (text) => text.replace("0.0.1", "0.0.9")),
        ),
      ),
    "TLOG_BODY",
  ],
  [
    "7 an envelope's kind for a bare signature",
    () => inputOf(relogged(message, entryBody, "dsse", "0.0.2")),
    "TLOG_KIND",
  ],
  [
    "8 a kind that is not supported",
    () => inputOf(relogged(message, entryBody, "rekord", "0.0.1")),
    "TLOG_KIND",
  ],
  [
    "8 a version that is not supported",
    () => inputOf(relogged(message, entryBody, "hashedrekord", "9.9.9")),
    "TLOG_KIND",
  ],
  [
    "9 the body has a duplicate key",
    () =>
      inputOf(
        relogged(
          message,
          editText(entryBody, (text) => text.replace("{", '{"kind":"hashedrekord",')),
        ),
      ),
    "TLOG_ENTRY_FORMAT",
  ],
  [
    "9 the body is not canonical",
    () =>
      inputOf(
        relogged(
          message,
          editText(entryBody, (text) => `${text} `),
        ),
      ),
    "TLOG_BODY",
  ],
  [
    "9 the body has a further field",
    () =>
      inputOf(
        relogged(
          message,
          editText(entryBody, (text) => text.replace("{", '{"a":1,')),
        ),
      ),
    "TLOG_BODY",
  ],
  ["9 the body is no JSON", () => inputOf(relogged(message, utf8("{"))), "TLOG_ENTRY_FORMAT"],
  [
    "10 the payload is swapped",
    () => inputOf(changeEnvelope({ payload: statementOf(FILENAME, OTHER) })),
    "TLOG_BODY",
  ],
  [
    "11 the payload type is changed",
    () => inputOf(changeEnvelope({ payloadType: "application/json" })),
    "DSSE_PAYLOAD_TYPE",
  ],
];

describe("binding of evidence to the file", () => {
  it("accepts the evidence that the cases start from", async () => {
    for (const bundle of [message, envelope]) {
      const verdict = await verify(inputOf(bundle));
      assert.ok(verdict.verified, JSON.stringify(verdict));
      assert.equal(verdict.binding, bundle === message ? "bytes-only" : "release");
    }
  });

  refuses(CASES);

  it("5 refuses an entry with another key under which the same signature is good", async () => {
    assert.ok(message.content.kind === "message-signature");
    const { signature } = message.content;
    const twin = twinKey(signature, sha256(CONTENT));
    assert.ok(await verifySignature(twin, "sha256", signature, CONTENT), "the twin key verifies");
    const key = leaf.key.publicKey;
    const managed = messageBundle({ key: leaf.key, certificate: undefined });
    const honest = await verify(inputOf(managed, { expect: { kind: "key", key } }));
    assert.ok(honest.verified, JSON.stringify(honest));
    assert.ok(managed.content.kind === "message-signature");
    const other = twinKey(managed.content.signature, sha256(CONTENT));
    const body = bodyOf({ signature: managed.content.signature, verifier: keyVerifier(other) });
    const verdict = await verify(
      inputOf(relogged(managed, body), { expect: { kind: "key", key } }),
    );
    assert.ok(!verdict.verified);
    assert.equal(verdict.failure.code, "TLOG_BODY");
  });

  it("reads the PEM in the entry in any spelling of lines, and no other certificate", async () => {
    const pem = formatPem("CERTIFICATE", leaf.certificate.der);
    const unwrapped = pem.replace(/([^-])\n([^-])/g, "$1$2");
    const body = editText(entryBody, (text) =>
      text.replace(base64(utf8(pem)), base64(utf8(unwrapped))),
    );
    assert.notDeepEqual(body, entryBody);
    assert.equal((await verify(inputOf(relogged(message, body)))).verified, true);
  });
});
