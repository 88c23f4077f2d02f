import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { digest, type HashName } from "../../src/crypto/hash.ts";
import { importPublicKey } from "../../src/crypto/keys.ts";
import { streamVerifier, verifyDigest, verifySignature } from "../../src/crypto/verify.ts";

const VECTORS = fileURLToPath(new URL("../../../shared/vectors/wycheproof", import.meta.url));
const skip = existsSync(VECTORS) ? false : `${VECTORS} is not there`;

type Vector = {
  tcId: number;
  comment: string;
  msg: string;
  sig: string;
  result: "valid" | "invalid" | "acceptable";
};
type Suite = { testGroups: { publicKeyDer: string; sha?: string; tests: Vector[] }[] };

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const files = skip === false ? readdirSync(VECTORS).filter((name) => name.endsWith(".json")) : [];

test("the vectors are complete", { skip }, () => assert.equal(files.length, 6));

for (const file of files) {
  const suite = JSON.parse(readFileSync(`${VECTORS}/${file}`, "utf8")) as Suite;
  test(`${file}: signatures over messages, streams and digests`, async () => {
    for (const group of suite.testGroups) {
      const key = importPublicKey(bytes(group.publicKeyDer));
      assert.ok(key !== undefined);
      const hash = (group.sha ?? "SHA-512").replace("-", "").toLowerCase() as HashName;
      for (const vector of group.tests) {
        // Acceptable: an old encoding that a verifier may take or refuse.
        if (vector.result === "acceptable") continue;
        const want = vector.result === "valid";
        const name = `${vector.tcId} ${vector.comment}`;
        const signature = bytes(vector.sig);
        const message = bytes(vector.msg);
        assert.equal(await verifySignature(key, hash, signature, message), want, name);
        const stream = streamVerifier(key, hash);
        stream?.update(message);
        assert.equal(stream?.verify(signature) ?? want, want, `stream: ${name}`);
        const byDigest = await verifyDigest(key, signature, digest(hash, message));
        assert.equal(byDigest, key.algorithm.startsWith("ecdsa") ? want : undefined, name);
      }
    }
  });
}
