import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { digest, type HashName, sha256 } from "../../src/crypto/hash.ts";
import { generateKey, type KeyAlgorithm, type PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import type { Bundle } from "../../src/formats/bundle.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { pae } from "../../src/formats/dsse.ts";
import { keyVerifier, type Logged } from "../../src/formats/tlog-body.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";
import { CONTENT, FILENAME, forgeLeaf } from "./forge.ts";
import { entryV1, envelopeBundle, inputOf, messageBundle } from "./forge-bundle.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const ALGORITHMS = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-pkcs1v15"] as const;
const keys = new Map<KeyAlgorithm, PrivateKey>(ALGORITHMS.map((name) => [name, generateKey(name)]));
const keyOf = (name: KeyAlgorithm): PrivateKey => keys.get(name)!;

/** A managed-key bundle over the file, with the digest algorithm that is said. */
const managed = (name: KeyAlgorithm, hash: HashName = "sha256", said?: string): Bundle => {
  const key = keyOf(name);
  const signature = sign(key, hash, CONTENT);
  const bytes = digest(hash, CONTENT);
  const logged: Logged = {
    kind: "artifact",
    hash,
    digest: bytes,
    signature,
    verifier: keyVerifier(key.publicKey),
  };
  return {
    version: "0.3",
    material: { kind: "public-key", hint: "" },
    entries: [entryV1(logged)],
    timestamps: [],
    content: {
      kind: "message-signature",
      digest: { algorithm: said ?? `SHA2_${hash.slice(3)}`, bytes },
      signature,
    },
  };
};

const withKey = (name: KeyAlgorithm, bundle: Bundle, changes: Partial<VerificationInput> = {}) =>
  inputOf(bundle, { expect: { kind: "key", key: keyOf(name).publicKey }, ...changes });

const byDigest = { sha256: sha256(CONTENT) };
const leaf = forgeLeaf();

/** A signature by another key, logged and stated as if it were ours. */
const forged = (content: "message" | "envelope"): Bundle => {
  const signing = { key: generateKey("ecdsa-p256"), certificate: leaf.certificate };
  return content === "message" ? messageBundle(signing) : envelopeBundle(signing);
};

const whole = (size: number) => ({
  name: FILENAME,
  sha256: sha256(CONTENT),
  open: async function* () {
    const chunk = new Uint8Array(1 << 20);
    for (let sent = 0; sent < size; sent += chunk.length) yield chunk;
  },
});

const CASES: readonly Case[] = [
  ["a signature by another key", () => inputOf(forged("message")), "SIGNATURE_INVALID"],
  [
    "a signature by another key, by digest",
    () => inputOf(forged("message"), { artifact: byDigest }),
    "SIGNATURE_INVALID",
  ],
  [
    "an envelope's signature by another key",
    () => inputOf(forged("envelope")),
    "SIGNATURE_INVALID",
  ],
  [
    "a file that changes after it was digested",
    () =>
      inputOf(messageBundle(leaf), {
        artifact: { ...artifactOfBytes(utf8("changed")), sha256: sha256(CONTENT) },
      }),
    "SIGNATURE_DIGEST",
  ],
  [
    "an Ed25519 signature by digest",
    () => withKey("ed25519", managed("ed25519"), { artifact: byDigest }),
    "SIGNATURE_ALGORITHM",
  ],
  [
    "an RSA signature by digest",
    () => withKey("rsa-pkcs1v15", managed("rsa-pkcs1v15"), { artifact: byDigest }),
    "SIGNATURE_ALGORITHM",
  ],
  [
    "a SHA-384 digest by SHA-256 digest",
    () => withKey("ecdsa-p384", managed("ecdsa-p384", "sha384"), { artifact: byDigest }),
    "SIGNATURE_ALGORITHM",
  ],
  [
    "an unknown digest algorithm",
    () => withKey("ecdsa-p256", managed("ecdsa-p256", "sha256", "SHA1")),
    "SIGNATURE_ALGORITHM",
  ],
  [
    "a digest algorithm named like a method",
    () => withKey("ecdsa-p256", managed("ecdsa-p256", "sha256", "constructor")),
    "SIGNATURE_ALGORITHM",
  ],
  [
    "a file that is too large for Ed25519",
    () => withKey("ed25519", managed("ed25519"), { artifact: whole(80 << 20) }),
    "SIGNATURE_ALGORITHM",
  ],
  [
    "a managed key where a certificate is expected",
    () => inputOf(managed("ecdsa-p256")),
    "KEY_MISSING",
  ],
  [
    "a certificate where a managed key is expected",
    () => withKey("ecdsa-p256", messageBundle(leaf)),
    "KEY_MISMATCH",
  ],
  ["another managed key", () => withKey("ecdsa-p384", managed("ecdsa-p256")), "TLOG_BODY"],
  [
    "an empty signature",
    () => {
      const bundle = messageBundle(leaf);
      const content = {
        kind: "message-signature",
        digest: undefined,
        signature: new Uint8Array(0),
      } as const;
      return inputOf({ ...bundle, content });
    },
    "BUNDLE_FORMAT",
  ],
];

describe("signatures", () => {
  refuses(CASES);

  for (const name of ALGORITHMS) {
    accepts(`accepts a managed ${name} key over a file`, () => withKey(name, managed(name)));
    accepts(`accepts a managed ${name} key over an envelope`, () =>
      withKey(name, envelopeBundle({ key: keyOf(name), certificate: undefined })),
    );
  }
  for (const [name, hash] of [
    ["ecdsa-p384", "sha384"],
    ["ecdsa-p521", "sha512"],
    ["rsa-pkcs1v15", "sha512"],
  ] as const) {
    accepts(`accepts ${name} with ${hash}`, () => withKey(name, managed(name, hash)));
  }
  for (const name of ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"] as const) {
    accepts(`accepts ${name} by digest`, () =>
      withKey(name, managed(name), { artifact: byDigest }),
    );
  }
  accepts("accepts an envelope that cosign signed with SHA-256 under a P-384 key", () => {
    const key = keyOf("ecdsa-p384");
    const bundle = envelopeBundle({ key, certificate: undefined });
    assert.ok(bundle.content.kind === "dsse");
    const { envelope } = bundle.content;
    const signature = sign(key, "sha256", pae(envelope.payloadType, envelope.payload));
    const changed = { ...envelope, signature };
    const entry = entryV1({
      kind: "envelope",
      envelope: changed,
      verifier: keyVerifier(key.publicKey),
    });
    return withKey("ecdsa-p384", {
      ...bundle,
      entries: [entry],
      content: { kind: "dsse", envelope: changed },
    });
  });
  accepts("accepts a managed key without any proven time", () => {
    const bundle = managed("ecdsa-p256");
    const entries = bundle.entries.map((entry) => ({ ...entry, signedEntryTimestamp: undefined }));
    return withKey("ecdsa-p256", { ...bundle, entries });
  });

  it("names the managed key as signer", async () => {
    const verdict = await verify(withKey("ecdsa-p256", managed("ecdsa-p256")));
    assert.ok(verdict.verified);
    assert.equal(verdict.signer.kind, "key");
  });
});

describe("exceptions", () => {
  const throwing = (thrown: unknown): VerificationInput => {
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw thrown;
    };
    return inputOf(messageBundle(leaf), { artifact: { sha256: sha256(CONTENT), open } });
  };

  for (const thrown of [new Error("disk on fire"), "text", undefined]) {
    it(`is not verified when the file throws ${String(thrown)}`, async () => {
      const verdict = await verify(throwing(thrown));
      assert.ok(!verdict.verified);
      assert.equal(verdict.failure.code, "INTERNAL");
    });
  }

  it("is not verified when any part of the input is missing", async () => {
    const input = inputOf(messageBundle(leaf));
    for (const part of ["artifact", "bundle", "trust", "expect"] as const) {
      const verdict = await verify({ ...input, [part]: undefined } as never);
      assert.ok(!verdict.verified, part);
      assert.equal(verdict.failure.code, "INTERNAL");
    }
    for (const part of Object.keys(input.trust)) {
      const verdict = await verify({ ...input, trust: { ...input.trust, [part]: undefined } });
      assert.ok(part === "timestampAuthorities" || !verdict.verified, part);
    }
  });
});
