import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  attestationToBundle,
  bundleToAttestation,
  formatAttestation,
  formatAttestations,
  parseAttestation,
  parseAttestations,
} from "../../src/formats/attestation.ts";
import type { Code } from "../../src/formats/errors.ts";
import {
  formatProvenance,
  type Publisher,
  parseProvenance,
} from "../../src/formats/provenance-object.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { forgeLeaf } from "../verification/forge.ts";
import {
  entryV1,
  entryV2,
  envelopeBundle,
  messageBundle,
  statementOf,
} from "../verification/forge-bundle.ts";

const leaf = forgeLeaf();
const bundle = envelopeBundle(leaf);
const attestation = unwrap(bundleToAttestation(bundle));

// biome-ignore lint/suspicious/noExplicitAny: tests reach into any place of the JSON
type Loose = any;
const changed = (change: (json: Loose) => void): string => {
  const json: Loose = JSON.parse(new TextDecoder().decode(formatAttestation(attestation)));
  change(json);
  return JSON.stringify(json);
};

const gitlab: Publisher = {
  kind: "GitLab",
  repository: "acme/widgets",
  workflowFilepath: ".gitlab-ci.yml",
  environment: undefined,
};

const provenanceOf = (change: (json: Loose) => void, publisher: Publisher = gitlab): string => {
  const bytes = formatProvenance({ bundles: [{ publisher, attestations: [attestation] }] });
  const json: Loose = JSON.parse(new TextDecoder().decode(bytes));
  change(json);
  return JSON.stringify(json);
};

const refused = (result: Result<unknown>, code: Code): void => {
  assert.ok(!result.ok);
  assert.equal(result.error.code, code, result.error.message);
};

describe("PEP 740 attestations", () => {
  it("reads back what it writes, and the bundle it stands for", () => {
    assert.deepEqual(unwrap(parseAttestation(formatAttestation(attestation))), attestation);
    assert.deepEqual(attestationToBundle(attestation), bundle);
    assert.deepEqual(unwrap(parseAttestations(formatAttestations([attestation, attestation]))), [
      attestation,
      attestation,
    ]);
  });

  const MALFORMED: readonly [string, string, Code][] = [
    ["no JSON", "[", "FORMAT_JSON"],
    [
      "another version",
      changed((json) => {
        json.version = 2;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "no version",
      changed((json) => {
        delete json.version;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "an unknown field",
      changed((json) => {
        json.extra = 1;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "an unknown field of the envelope",
      changed((json) => {
        json.envelope.keyid = "";
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "no entries",
      changed((json) => {
        json.verification_material.transparency_entries = [];
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "an entry without proof",
      changed((json) => {
        delete json.verification_material.transparency_entries[0].inclusionProof;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "a certificate that is none",
      changed((json) => {
        json.verification_material.certificate = "AAAA";
      }),
      "CERT_FORMAT",
    ],
    [
      "an endless signature",
      changed((json) => {
        json.envelope.signature = "AAAA".repeat(1000);
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "a statement that is no text",
      changed((json) => {
        json.envelope.statement = 1;
      }),
      "ATTESTATION_FORMAT",
    ],
  ];
  for (const [name, text, code] of MALFORMED) {
    it(`refuses ${name}, alone and in a list`, () => {
      refused(parseAttestation(text), code);
      refused(parseAttestations(`[${text}]`), code);
    });
  }

  it("refuses lists that are empty, too long, or no lists", () => {
    refused(parseAttestations("[]"), "ATTESTATION_EMPTY");
    refused(parseAttestations("{}"), "ATTESTATION_FORMAT");
    refused(parseAttestations("x"), "FORMAT_JSON");
    refused(
      parseAttestations(formatAttestations(Array(17).fill(attestation))),
      "ATTESTATION_FORMAT",
    );
  });

  it("refuses to make an attestation of what PEP 740 cannot express", () => {
    const others = [
      messageBundle(leaf),
      envelopeBundle({ key: leaf.key, certificate: undefined }),
      envelopeBundle(leaf, entryV2),
      envelopeBundle(leaf, entryV1, statementOf(), "text/plain"),
      { ...bundle, entries: [] },
      { ...bundle, entries: [{ ...bundle.entries[0]!, inclusionProof: undefined }] },
    ];
    for (const other of others) refused(bundleToAttestation(other), "ATTESTATION_FORMAT");
  });
});

describe("PEP 740 provenance", () => {
  const PUBLISHERS: readonly Publisher[] = [
    gitlab,
    { ...gitlab, environment: "release" },
    { kind: "GitHub", repository: "acme/widgets", workflow: "release.yml", environment: "pypi" },
    { kind: "GitHub", repository: "acme/widgets", workflow: "release.yml", environment: undefined },
    { kind: "Google", email: "a@acme.example" },
    { kind: "other", name: "Forge" },
  ];
  for (const publisher of PUBLISHERS) {
    it(`reads back what it writes: ${publisher.kind}`, () => {
      const provenance = { bundles: [{ publisher, attestations: [attestation] }] };
      assert.deepEqual(unwrap(parseProvenance(formatProvenance(provenance))), provenance);
    });
  }

  it("takes an empty environment for none", () => {
    const text = provenanceOf((json) => {
      json.attestation_bundles[0].publisher.environment = "";
    });
    assert.deepEqual(unwrap(parseProvenance(text)).bundles[0]?.publisher, gitlab);
  });

  const MALFORMED: readonly [string, string, Code][] = [
    [
      "14 no bundles",
      provenanceOf((json) => {
        json.attestation_bundles = [];
      }),
      "ATTESTATION_EMPTY",
    ],
    [
      "14 a bundle without attestations",
      provenanceOf((json) => {
        json.attestation_bundles[0].attestations = [];
      }),
      "ATTESTATION_EMPTY",
    ],
    [
      "another version",
      provenanceOf((json) => {
        json.version = 3;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "an unknown field",
      provenanceOf((json) => {
        json.extra = 3;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "no publisher",
      provenanceOf((json) => {
        delete json.attestation_bundles[0].publisher;
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "17 publishers",
      provenanceOf((json) => {
        json.attestation_bundles = Array(17).fill(json.attestation_bundles[0]);
      }),
      "ATTESTATION_FORMAT",
    ],
    [
      "a bad certificate",
      provenanceOf((json) => {
        json.attestation_bundles[0].attestations[0].verification_material.certificate = "AAAA";
      }),
      "CERT_FORMAT",
    ],
    ["no JSON", "", "FORMAT_JSON"],
  ];
  for (const [name, text, code] of MALFORMED) {
    it(`refuses ${name}`, () => refused(parseProvenance(text), code));
  }

  const vectors = new URL("../../../shared/vectors/", import.meta.url);
  const skip = existsSync(vectors) ? false : `no vectors at ${vectors.pathname}`;
  it("reads the recorded provenance of an index", { skip }, () => {
    const file = new URL("warehouse/sampleproject-4.0.0.tar.gz.provenance", vectors);
    const provenance = unwrap(parseProvenance(new Uint8Array(readFileSync(file))));
    assert.deepEqual(provenance.bundles[0]?.publisher, {
      kind: "GitHub",
      repository: "pypa/sampleproject",
      workflow: "release.yml",
      environment: undefined,
    });
    assert.deepEqual(unwrap(parseProvenance(formatProvenance(provenance))), provenance);
  });
});
