import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { TrustedRoot as Theirs } from "@sigstore/protobuf-specs";
import { base64 } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { formatTrustedRoot, parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { TRUST } from "../verification/forge.ts";

const refused = (result: Result<unknown>, code: Code): void => {
  assert.ok(!result.ok);
  assert.equal(result.error.code, code, result.error.message);
};

// biome-ignore lint/suspicious/noExplicitAny: tests reach into any place of the JSON
type Loose = any;
const parsedText = (bytes: Uint8Array): Loose => JSON.parse(new TextDecoder().decode(bytes));
const changed = (change: (json: Loose) => void): string => {
  const json = parsedText(formatTrustedRoot(TRUST));
  change(json);
  return JSON.stringify(json);
};

describe("trusted root", () => {
  it("reads back what it writes", () => {
    const again = unwrap(parseTrustedRoot(formatTrustedRoot(TRUST)));
    assert.deepEqual(formatTrustedRoot(again), formatTrustedRoot(TRUST));
    assert.deepEqual(
      again.tlogs.map(({ logId }) => logId),
      TRUST.tlogs.map(({ logId }) => logId),
    );
  });

  it("writes what another reader understands, names and all", () => {
    const theirs = Theirs.fromJSON(parsedText(formatTrustedRoot(TRUST)));
    assert.equal(theirs.tlogs.length, 2);
    assert.equal(theirs.certificateAuthorities[0]?.subject?.commonName, "ca root");
    assert.equal(theirs.certificateAuthorities[0]?.subject?.organization, "ca");
  });

  it("embeds the public instance's", () => {
    const root = unwrap(parseTrustedRoot(PUBLIC_GOOD_ROOT));
    assert.ok(root.tlogs.length >= 2 && root.ctlogs.length >= 2);
    assert.deepEqual(unwrap(parseTrustedRoot(formatTrustedRoot(root))), root);
  });

  const vectors = new URL("../../../shared/vectors/sigstore-conformance/", import.meta.url);
  const skip = existsSync(vectors) ? false : `no vectors at ${vectors.pathname}`;
  it("reads every recorded one, old RSA keys too, but not one without a start", { skip }, () => {
    for (const name of readdirSync(vectors)) {
      const file = new URL(`${name}/trusted_root.json`, vectors);
      if (!existsSync(file)) continue;
      const root = parseTrustedRoot(new Uint8Array(readFileSync(file)));
      assert.equal(root.ok, name !== "trust-root-tlog-missing-validity-start_fail", name);
      if (root.ok && name === "rekor2-happy-path") assert.equal(root.value.ctlogs.length, 3);
    }
  });

  const REFUSED: readonly [string, string, Code][] = [
    ["no JSON", "{", "FORMAT_JSON"],
    [
      "another media type",
      changed((json) => {
        json.mediaType = "application/json";
      }),
      "TRUST_FORMAT",
    ],
    [
      "no start",
      changed((json) => {
        delete json.tlogs[0].publicKey.validFor.start;
      }),
      "TRUST_FORMAT",
    ],
    [
      "no window",
      changed((json) => {
        delete json.tlogs[0].publicKey.validFor;
      }),
      "TRUST_FORMAT",
    ],
    [
      "an authority without a window",
      changed((json) => {
        delete json.certificateAuthorities[0].validFor;
      }),
      "TRUST_FORMAT",
    ],
    [
      "a time that is none",
      changed((json) => {
        json.tlogs[0].publicKey.validFor.end = "soon";
      }),
      "TRUST_FORMAT",
    ],
    [
      "a key of another kind than it says",
      changed((json) => {
        json.tlogs[0].publicKey.keyDetails = "PKIX_ED25519";
      }),
      "TRUST_FORMAT",
    ],
    [
      "a key that is none",
      changed((json) => {
        json.ctlogs[0].publicKey.rawBytes = "AAAA";
      }),
      "TRUST_FORMAT",
    ],
    [
      "an empty chain",
      changed((json) => {
        json.certificateAuthorities[0].certChain.certificates = [];
      }),
      "TRUST_FORMAT",
    ],
    [
      "a certificate that is none",
      changed((json) => {
        json.timestampAuthorities[0].certChain.certificates[0].rawBytes = "AAAA";
      }),
      "TRUST_FORMAT",
    ],
    [
      "nothing to trust",
      JSON.stringify({ mediaType: "application/vnd.dev.sigstore.trustedroot.v0.1+json" }),
      "TRUST_EMPTY",
    ],
  ];
  for (const [name, text, code] of REFUSED) {
    it(`refuses ${name}`, () => refused(parseTrustedRoot(text), code));
  }

  it("leaves out keys of a kind it cannot use, and keeps names and ids", () => {
    const text = changed((json) => {
      json.tlogs[0].publicKey.keyDetails = "ML_DSA_65";
      json.tlogs[1].checkpointKeyId = { keyId: base64(new Uint8Array(4)) };
      json.tlogs[1].publicKey.validFor.end = "2027-01-01T00:00:00.5Z";
      json.unknown = 1;
    });
    const { tlogs } = unwrap(parseTrustedRoot(text));
    assert.equal(tlogs.length, 1);
    assert.deepEqual(tlogs[0]?.checkpointKeyId, new Uint8Array(4));
    const written = parsedText(formatTrustedRoot(unwrap(parseTrustedRoot(text))));
    assert.equal(written.tlogs[0].publicKey.validFor.end, "2027-01-01T00:00:00.500Z");
    assert.ok(written.tlogs[0].checkpointKeyId);
  });
});
