import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatClientTrustConfig,
  parseClientTrustConfig,
} from "../../src/formats/client-trust-config.ts";
import type { Code } from "../../src/formats/errors.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import type { ServiceUrl, SigningConfig } from "../../src/formats/signing-config.ts";
import { TRUST } from "../verification/forge.ts";

const refused = (result: Result<unknown>, code: Code): void => {
  assert.ok(!result.ok);
  assert.equal(result.error.code, code, result.error.message);
};

// biome-ignore lint/suspicious/noExplicitAny: tests reach into any place of the JSON
type Loose = any;
const parsedText = (bytes: Uint8Array): Loose => JSON.parse(new TextDecoder().decode(bytes));
const service = (url: string, end?: number): ServiceUrl => ({
  url,
  majorApiVersion: 1,
  validity: { start: 0, end },
  operator: "acme",
});

const signingConfig: SigningConfig = {
  caUrls: [service("https://fulcio.example")],
  oidcUrls: [service("https://gitlab.example")],
  rekorTlogUrls: [service("https://rekor.example", 4_000_000_000_000)],
  tsaUrls: [service("http://127.0.0.1:3010/api/v1/timestamp")],
  rekorTlogConfig: { selector: "ALL" },
  tsaConfig: { selector: "EXACT", count: 2 },
};

describe("client trust config", () => {
  const bytes = formatClientTrustConfig({ trustedRoot: TRUST, signingConfig });
  const edited = (change: (json: Loose) => void) => {
    const json = parsedText(bytes);
    change(json);
    return parseClientTrustConfig(JSON.stringify(json));
  };

  it("reads back what it writes", () => {
    const config = unwrap(parseClientTrustConfig(bytes));
    assert.deepEqual(config.signingConfig, signingConfig);
    assert.deepEqual(formatClientTrustConfig(config), bytes);
  });

  it("reads the signing config of version 0.1, and what 0.2 leaves out", () => {
    const config = unwrap(
      edited((json) => {
        json.signingConfig = {
          mediaType: "application/vnd.dev.sigstore.signingconfig.v0.1+json",
          caUrl: "https://fulcio.example",
          tlogUrls: ["https://rekor.example"],
        };
      }),
    );
    assert.equal(config.signingConfig.caUrls[0]?.url, "https://fulcio.example");
    assert.equal(config.signingConfig.oidcUrls.length, 0);
    assert.equal(config.signingConfig.rekorTlogUrls[0]?.majorApiVersion, 1);
    const bare = unwrap(
      edited((json) => {
        json.signingConfig = {
          mediaType: json.signingConfig.mediaType,
          caUrls: [{ url: "https://a" }],
        };
      }),
    );
    assert.deepEqual(bare.signingConfig.caUrls[0], { ...service("https://a"), operator: "" });
    assert.deepEqual(bare.signingConfig.tsaConfig, { selector: "ANY" });
  });

  const REFUSED: readonly [string, (json: Loose) => void, Code][] = [
    [
      "another media type",
      (json) => {
        json.mediaType = "x";
      },
      "TRUST_FORMAT",
    ],
    [
      "no signing config",
      (json) => {
        delete json.signingConfig;
      },
      "TRUST_FORMAT",
    ],
    [
      "an unknown signing config",
      (json) => {
        json.signingConfig.mediaType = "x";
      },
      "TRUST_FORMAT",
    ],
    [
      "a bad trusted root",
      (json) => {
        json.trustedRoot.mediaType = "x";
      },
      "TRUST_FORMAT",
    ],
    [
      "a URL of another scheme",
      (json) => {
        json.signingConfig.caUrls[0].url = "file:///etc";
      },
      "TRUST_FORMAT",
    ],
    [
      "an unknown selector",
      (json) => {
        json.signingConfig.tsaConfig.selector = "SOME";
      },
      "TRUST_FORMAT",
    ],
    [
      "exactly none",
      (json) => {
        json.signingConfig.tsaConfig.count = 0;
      },
      "TRUST_FORMAT",
    ],
    [
      "a time that is none",
      (json) => {
        json.signingConfig.caUrls[0].validFor.start = "x";
      },
      "TRUST_FORMAT",
    ],
  ];
  for (const [name, change, code] of REFUSED) {
    it(`refuses ${name}`, () => refused(edited(change), code));
  }

  it("refuses what is no JSON", () => refused(parseClientTrustConfig("x"), "FORMAT_JSON"));
});
