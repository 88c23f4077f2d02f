import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Code } from "../../src/formats/errors.ts";
import { provenancePredicate } from "../../src/stages/provenance.ts";
import { compareProvenance } from "../../src/verification/claims.ts";
import type { Signer, Verdict } from "../../src/verification/verdict.ts";
import { CLAIMS, ISSUER, SAN, SHA } from "./forge.ts";

const claims = CLAIMS as unknown as Record<string, string>;
const signer = { kind: "certificate", san: SAN, sanKind: "uri", issuer: ISSUER, claims } as const;

const record = {
  recordVersion: 1,
  name: "widgets",
  version: "1.2.0",
  source: {
    uri: "https://gitlab.example/acme/widgets",
    commit: SHA,
    ref: "refs/tags/v1.2.0",
    dirty: false,
    sourceDateEpoch: 0,
  },
  settings: { reproducible: true, metadata: {} },
  backend: { name: "hatchling.build", requires: ["hatchling"] },
  python: { version: "3.12.1", implementation: "cpython", platform: "linux" },
  resolved: [{ name: "hatchling", version: "1.33.0" }],
  startedOn: "2026-06-01T12:00:00Z",
  finishedOn: "2026-06-01T12:00:01Z",
  distributions: [],
} as const;

type Predicate = {
  buildDefinition: {
    buildType: string;
    externalParameters: Record<string, unknown>;
    internalParameters?: Record<string, unknown>;
    resolvedDependencies?: unknown[];
  };
  runDetails: { builder: { id: string }; metadata?: Record<string, unknown> };
};

const predicateFor = (runnerId?: string): Predicate =>
  structuredClone(
    provenancePredicate({
      record,
      recordSha256: "00",
      job: { san: SAN, issuer: ISSUER, claims, ...(runnerId === undefined ? {} : { runnerId }) },
    }),
  ) as unknown as Predicate;

const verdictOf = (predicate: unknown, changes: { signer?: Signer; predicateType?: string } = {}) =>
  ({
    verified: true,
    binding: "release",
    signer,
    times: [],
    logged: [],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate,
    checks: [],
    ...changes,
  }) satisfies Verdict;

const edited = (edit: (predicate: Predicate) => void, runnerId?: string): Predicate => {
  const predicate = predicateFor(runnerId);
  edit(predicate);
  return predicate;
};

const source = { uri: "git+https://gitlab.example/acme/widgets@refs/tags/v1.2.0" };

const REFUSED: readonly [string, ReturnType<typeof verdictOf>, Code][] = [
  [
    "another source",
    verdictOf(
      edited((p) => {
        p.buildDefinition.externalParameters.source = "https://gitlab.example/evil/widgets";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "no source",
    verdictOf(
      edited((p) => {
        delete p.buildDefinition.externalParameters.source;
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another ref",
    verdictOf(
      edited((p) => {
        p.buildDefinition.externalParameters.ref = "refs/heads/main";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another configuration",
    verdictOf(
      edited((p) => {
        p.buildDefinition.externalParameters.configuration = "x";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another trigger",
    verdictOf(
      edited((p) => {
        p.buildDefinition.internalParameters!.trigger = "web";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another runner environment",
    verdictOf(
      edited((p) => {
        p.buildDefinition.internalParameters!.runnerEnvironment = "self-hosted";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "no internal parameters",
    verdictOf(
      edited((p) => {
        delete p.buildDefinition.internalParameters;
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another commit",
    verdictOf(
      edited((p) => {
        p.buildDefinition.resolvedDependencies = [
          { ...source, digest: { gitCommit: "f".repeat(40) } },
        ];
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "the source without a commit",
    verdictOf(
      edited((p) => {
        p.buildDefinition.resolvedDependencies = [source];
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "no dependencies",
    verdictOf(
      edited((p) => {
        delete p.buildDefinition.resolvedDependencies;
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "the commit of another source",
    verdictOf(
      edited((p) => {
        p.buildDefinition.resolvedDependencies = [{ uri: "git+x", digest: { gitCommit: SHA } }];
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "the source at two commits",
    verdictOf(
      edited((p) => {
        p.buildDefinition.resolvedDependencies!.push({
          ...source,
          digest: { gitCommit: "f".repeat(40) },
        });
      }),
    ),
    "STATEMENT_FORMAT",
  ],
  [
    "another builder",
    verdictOf(
      edited((p) => {
        p.runDetails.builder.id = "https://evil.example";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "a runner of another instance",
    verdictOf(
      edited((p) => {
        p.runDetails.builder.id = "https://evil.example/-/runners/1";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "a runner that is no number",
    verdictOf(
      edited((p) => {
        p.runDetails.builder.id = `${ISSUER}/-/runners/1/../2`;
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another job",
    verdictOf(
      edited((p) => {
        p.runDetails.metadata!.invocationId = "x";
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "no metadata",
    verdictOf(
      edited((p) => {
        delete p.runDetails.metadata;
      }),
    ),
    "ATTESTATION_CLAIMS",
  ],
  [
    "another build type",
    verdictOf(
      edited((p) => {
        p.buildDefinition.buildType = "https://example.com";
      }),
    ),
    "STATEMENT_PREDICATE",
  ],
  [
    "another predicate type",
    verdictOf(predicateFor(), { predicateType: "https://cyclonedx.org/bom" }),
    "STATEMENT_PREDICATE",
  ],
  ["a predicate that is nothing", verdictOf(null), "STATEMENT_FORMAT"],
  [
    "a managed key",
    verdictOf(predicateFor(), { signer: { kind: "key", keyId: "00" } }),
    "ATTESTATION_CLAIMS",
  ],
  [
    "a certificate that says nothing of a source",
    verdictOf(predicateFor(), { signer: { ...signer, claims: { "8": ISSUER } } }),
    "ATTESTATION_CLAIMS",
  ],
];

describe("provenance and certificate", () => {
  for (const runnerId of [undefined, "7"]) {
    it(`agree on what the sign stage states, runner ${runnerId ?? "not"} named`, () => {
      const result = compareProvenance(verdictOf(predicateFor(runnerId)));
      assert.ok(result.ok, JSON.stringify(result));
    });
  }

  for (const [name, verdict, code] of REFUSED) {
    it(`differ: ${name}`, () => {
      const result = compareProvenance(verdict);
      assert.ok(!result.ok);
      assert.equal(result.error.code, code, result.error.message);
    });
  }
});
