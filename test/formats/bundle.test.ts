import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { bundleFromJSON } from "@sigstore/bundle";
import fc from "fast-check";
import { formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { unwrap } from "../../src/formats/result.ts";

import { changed, entry, envelope, jsonOf, managed, message, older, V01, V02 } from "./bundles.ts";

describe("Sigstore bundles", () => {
  for (const [name, bundle] of [
    ["a signature", message],
    ["an envelope", envelope],
    ["a managed key", managed],
  ] as const) {
    it(`reads back what it writes: ${name}`, () => {
      const bytes = formatBundle(bundle);
      assert.deepEqual(unwrap(parseBundle(bytes)), bundle);
      assert.deepEqual(formatBundle(unwrap(parseBundle(bytes))), bytes);
    });

    it(`writes what another reader understands: ${name}`, () => {
      const theirs = bundleFromJSON(jsonOf(bundle));
      assert.equal(theirs.verificationMaterial.tlogEntries.length, 1);
    });
  }

  it("reads zeros and empty lists that are left out, and writes them", () => {
    const text = changed(envelope, (json) => {
      entry(json).logIndex = undefined;
      entry(json).integratedTime = undefined;
      entry(json).inclusionProof.logIndex = undefined;
      entry(json).inclusionProof.hashes = undefined;
      json.verificationMaterial.timestampVerificationData = undefined;
    });
    const bundle = unwrap(parseBundle(text));
    const written = jsonOf(bundle);
    assert.equal(entry(written).logIndex, "0");
    assert.equal(entry(written).integratedTime, "0");
    assert.deepEqual(entry(written).inclusionProof.hashes, []);
    assert.deepEqual(written.verificationMaterial.timestampVerificationData, {
      rfc3161Timestamps: [],
    });
  });

  it("reads versions 0.1 and 0.2, and a bundle without entries", () => {
    assert.equal(unwrap(parseBundle(older(V01))).version, "0.1");
    assert.equal(unwrap(parseBundle(older(V02))).version, "0.2");
    const bare = changed(message, (json) => {
      delete json.verificationMaterial.tlogEntries;
    });
    assert.deepEqual(unwrap(parseBundle(bare)).entries, []);
  });

  it("reads a message signature without digest, and writes none", () => {
    const bundle = unwrap(
      parseBundle(
        changed(message, (json) => {
          delete json.messageSignature.messageDigest;
        }),
      ),
    );
    assert.ok(bundle.content.kind === "message-signature");
    assert.equal(bundle.content.digest, undefined);
    assert.equal(jsonOf(bundle).messageSignature.messageDigest, undefined);
  });

  it("keeps the hint of a managed key, an empty one where it is left out", () => {
    const hinted = changed(managed, (json) => {
      json.verificationMaterial.publicKey.hint = "h";
    });
    assert.deepEqual(unwrap(parseBundle(hinted)).material, { kind: "public-key", hint: "h" });
    const bare = changed(managed, (json) => {
      json.verificationMaterial.publicKey = {};
    });
    assert.deepEqual(unwrap(parseBundle(bare)).material, { kind: "public-key", hint: "" });
  });

  const vectors = new URL("../../../shared/vectors/sigstore-conformance/", import.meta.url);
  const skip = existsSync(vectors) ? false : `no vectors at ${vectors.pathname}`;
  it("writes every recorded bundle so that it reads the same", { skip }, () => {
    let count = 0;
    for (const name of readdirSync(vectors)) {
      const file = new URL(`${name}/bundle.sigstore.json`, vectors);
      const bundle = existsSync(file) ? parseBundle(new Uint8Array(readFileSync(file))) : undefined;
      if (!bundle?.ok || bundle.value.entries.some((one) => !one.inclusionProof?.checkpoint))
        continue;
      count += 1;
      const again = unwrap(parseBundle(formatBundle(bundle.value)));
      const { version: _, material: __, ...rest } = bundle.value;
      const { version, material: ___, ...others } = again;
      assert.deepEqual(others, rest);
      assert.equal(version, "0.3");
    }
    assert.ok(count > 50);
  });

  it("never throws on any JSON", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.equal(parseBundle(text).ok, false);
      }),
      { numRuns: 200 },
    );
  });

  it("refuses a bundle cut off anywhere", () => {
    const text = new TextDecoder().decode(formatBundle(message));
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        assert.equal(parseBundle(text.slice(0, length)).ok, false);
      }),
    );
  });
});
