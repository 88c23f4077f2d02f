import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unwrap } from "../../src/formats/result.ts";
import { parseSct } from "../../src/formats/sct.ts";
import { checkScts } from "../../src/verification/sct.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf, forgeSct, TRUST, WORLD } from "./forge.ts";
import { flipped, inputOf, messageBundle } from "./forge-bundle.ts";

const leaf = forgeLeaf({ sct: "none" });
const bundle = messageBundle(leaf);
const bytes = forgeSct(WORLD.ct, { kind: "x509", certificate: leaf.certificate.der });

describe("a detached SCT with any one bit changed", () => {
  it("is accepted unchanged", async () => {
    const verdict = await verify(inputOf(bundle, { detachedSct: unwrap(parseSct(bytes)) }));
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });

  it("is refused", async () => {
    let parsed = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const sct = parseSct(flipped(bytes, bit));
      if (!sct.ok) continue;
      parsed += 1;
      const { intermediate } = WORLD.ca;
      const { result } = await checkScts(leaf.certificate, intermediate, sct.value, TRUST.ctlogs);
      assert.ok(!result.ok, `bit ${bit}`);
      assert.match(result.error.code, /^SCT_(?:INVALID|UNKNOWN_LOG)$/);
    }
    assert.ok(parsed > 500);
  });
});
