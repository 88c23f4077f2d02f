import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Code } from "../../src/formats/errors.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { trustFromFiles } from "../../src/formats/trust-files.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf, WORLD } from "../verification/forge.ts";
import { inputOf, messageBundle } from "../verification/forge-bundle.ts";

const refused = (result: Result<unknown>, code: Code): void => {
  assert.ok(!result.ok);
  assert.equal(result.error.code, code, result.error.message);
};

describe("trust from PEM files", () => {
  const certificates = (...list: readonly { der: Uint8Array }[]) =>
    list.map(({ der }) => formatPem("CERTIFICATE", der)).join("");
  const key = (spki: Uint8Array) => formatPem("PUBLIC KEY", spki);
  const files = {
    fulcio: certificates(WORLD.ca.root, WORLD.ca.intermediate),
    rekor: key(WORLD.log.publicKey.spki),
    ctfe: key(WORLD.ct.publicKey.spki),
    tsa: certificates(WORLD.tsa.leaf, WORLD.tsa.root),
  };

  it("verifies what the trusted root of the same services does", async () => {
    const trust = unwrap(trustFromFiles(files));
    assert.equal(trust.certificateAuthorities[0]?.chain.length, 2);
    assert.equal(trust.timestampAuthorities.length, 1);
    const verdict = await verify(inputOf(messageBundle(forgeLeaf()), { trust }));
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });

  it("reads several keys, and does without a timestamp authority", () => {
    const { tsa: _, ...three } = files;
    const rekor = files.rekor + key(generateKey("ed25519").publicKey.spki);
    const trust = unwrap(trustFromFiles({ ...three, rekor }));
    assert.equal(trust.tlogs.length, 2);
    assert.equal(trust.timestampAuthorities.length, 0);
  });

  const REFUSED: readonly [string, Partial<typeof files>][] = [
    ["an intermediate without its root", { fulcio: certificates(WORLD.ca.intermediate) }],
    ["no certificates", { fulcio: "" }],
    ["a certificate that is none", { tsa: formatPem("CERTIFICATE", Uint8Array.of(1)) }],
    ["a log key that is none", { rekor: key(Uint8Array.of(1)) }],
    ["a certificate log's key that is no PEM", { ctfe: "x" }],
  ];
  for (const [name, change] of REFUSED) {
    it(`refuses ${name}`, () => refused(trustFromFiles({ ...files, ...change }), "TRUST_FORMAT"));
  }
});
