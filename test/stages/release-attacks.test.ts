import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { bundleToAttestation, formatAttestation } from "../../src/formats/attestation.ts";
import { type Bundle, formatBundle } from "../../src/formats/bundle.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { formatCertificateFile, formatSignatureFile } from "../../src/formats/detached.ts";
import type { Code } from "../../src/formats/errors.ts";
import { evidenceNames, PREDICATE } from "../../src/formats/evidence.ts";
import { ok, unwrap } from "../../src/formats/result.ts";
import { verifyRelease } from "../../src/stages/release.ts";
import { BUILD_TYPE } from "../../src/verification/claims.ts";
import {
  CLAIMS,
  CONTENT,
  FILENAME,
  forgeLeaf,
  ISSUER,
  type LeafOptions,
  NOW,
  TRUST,
} from "../verification/forge.ts";
import {
  entryV1,
  envelopeBundle,
  messageBundle,
  statementOf,
} from "../verification/forge-bundle.ts";

type Leaf = ReturnType<typeof forgeLeaf>;
type Claims = Readonly<Record<number, string>>;

/** SLSA provenance that agrees with these claims. */
const provenanceOf = (claims: Claims) => ({
  buildDefinition: {
    buildType: BUILD_TYPE,
    externalParameters: { source: claims[12], ref: claims[14], configuration: claims[18] },
    internalParameters: { trigger: claims[20], runnerEnvironment: claims[11] },
    resolvedDependencies: [
      { uri: `git+${claims[12]}@${claims[14]}`, digest: { gitCommit: claims[13] } },
    ],
  },
  runDetails: { builder: { id: claims[9] }, metadata: { invocationId: claims[21] } },
});

const attest = (leaf: Leaf, payload: Uint8Array): Uint8Array =>
  formatAttestation(unwrap(bundleToAttestation(envelopeBundle(leaf, entryV1, payload))));

const detached = (bundle: Bundle): [Uint8Array, Uint8Array] => {
  const { content, material } = bundle;
  assert.ok(content.kind === "message-signature" && material.kind === "certificate");
  return [formatSignatureFile(content.signature), formatCertificateFile(material.certificate)];
};

const names = evidenceNames(FILENAME);

/** All that one job signs about one file. */
const release = (options: LeafOptions = {}, name = FILENAME, content = CONTENT) => {
  const leaf = forgeLeaf(options);
  const claims = { ...CLAIMS, ...options.claims } as Claims;
  const bundle = messageBundle(leaf, entryV1, content);
  const [signature, certificate] = detached(bundle);
  const statement = (type: string, predicate: unknown = null) =>
    attest(leaf, statementOf(name, content, type, predicate));
  return new Map([
    [names.bundle, formatBundle(bundle)],
    [names.signature, signature],
    [names.certificate, certificate],
    [names.publishAttestation, statement(PREDICATE.publish)],
    [names.provenanceAttestation, statement(PREDICATE.provenance, provenanceOf(claims))],
  ]);
};

const PROJECT = { kind: "gitlab", issuer: ISSUER, project: "acme/widgets" } as const;

const judge = async (evidence: ReadonlyMap<string, Uint8Array>, artifact = CONTENT) => {
  const held = artifactOfBytes(artifact);
  const verdict = await verifyRelease({
    artifact: { ...held, name: FILENAME, size: artifact.length },
    evidence: async (name) => ok(evidence.get(name)),
    inspect: async () => ok({ findings: [] }),
    expect: { kind: "identity", anyOf: [PROJECT] },
    trust: TRUST,
    now: NOW,
  });
  return verdict.failure?.code;
};

const good = release();
/** The same bytes, built from the next commit of a branch: the identity covers it as well. */
const OTHER_COMMIT = { claims: { 13: "f".repeat(40), 10: "f".repeat(40), 19: "f".repeat(40) } };
const later = release(OTHER_COMMIT);
const older = release({}, FILENAME.replace("1.2.0", "1.1.0"));
const another = release({}, FILENAME, utf8("another wheel"));
const evil = release({
  san: "https://gitlab.example/evil/widgets//.gitlab-ci.yml@refs/tags/v1.2.0",
  claims: { 12: "https://gitlab.example/evil/widgets" },
});
const borrowed = release({ claims: { 12: "https://gitlab.example/evil/widgets" } });

const mixed = (other: ReadonlyMap<string, Uint8Array>, ...files: readonly string[]) =>
  new Map([...good, ...files.map((file) => [file, other.get(file)!] as const)]);

const moved = (to: string, from: string) => new Map([...good, [to, good.get(from)!]]);
const without = (file: string) => new Map([...good].filter(([name]) => name !== file));

const REFUSED: readonly [string, ReadonlyMap<string, Uint8Array>, Code][] = [
  [
    "an older release's attestation under the new name",
    mixed(older, names.publishAttestation),
    "STATEMENT_SUBJECT",
  ],
  ["an older release's evidence in whole", older, "STATEMENT_SUBJECT"],
  ["another file's evidence in whole", another, "SIGNATURE_DIGEST"],
  ["another project's evidence in whole", evil, "IDENTITY_MISMATCH"],
  ["evidence by a project that runs the expected configuration", borrowed, "IDENTITY_MISMATCH"],
  [
    "another project's publish attestation",
    mixed(evil, names.publishAttestation),
    "IDENTITY_MISMATCH",
  ],
  ["another project's provenance", mixed(evil, names.provenanceAttestation), "IDENTITY_MISMATCH"],
  ["another job's signature file", mixed(later, names.signature), "DETACHED_MISMATCH"],
  ["another job's certificate file", mixed(later, names.certificate), "DETACHED_MISMATCH"],
  [
    "the provenance of another commit",
    mixed(later, names.provenanceAttestation),
    "ATTESTATION_CLAIMS",
  ],
  [
    "the publish attestation of another commit",
    mixed(later, names.publishAttestation),
    "ATTESTATION_CLAIMS",
  ],
  [
    "the bundle of another commit",
    mixed(later, names.bundle, names.signature, names.certificate),
    "ATTESTATION_CLAIMS",
  ],
  [
    "the provenance in place of the publish attestation",
    moved(names.publishAttestation, names.provenanceAttestation),
    "STATEMENT_PREDICATE",
  ],
  [
    "the publish attestation in place of the provenance",
    moved(names.provenanceAttestation, names.publishAttestation),
    "STATEMENT_PREDICATE",
  ],
  [
    "an attestation in place of the bundle",
    moved(names.bundle, names.publishAttestation),
    "BUNDLE_FORMAT",
  ],
  [
    "a bundle in place of an attestation",
    moved(names.publishAttestation, names.bundle),
    "ATTESTATION_FORMAT",
  ],
  [
    "an envelope in place of the signature",
    new Map([...good, [names.bundle, formatBundle(envelopeBundle(forgeLeaf()))]]),
    "BUNDLE_MATERIAL",
  ],
  [
    "provenance that states another source than its certificate",
    new Map([
      ...good,
      [
        names.provenanceAttestation,
        attest(
          forgeLeaf(),
          statementOf(
            FILENAME,
            CONTENT,
            PREDICATE.provenance,
            provenanceOf({ ...CLAIMS, 13: "e".repeat(40) }),
          ),
        ),
      ],
    ]),
    "ATTESTATION_CLAIMS",
  ],
  [
    "a bill of materials about another file",
    new Map([
      ...good,
      [
        names.sbomAttestation,
        attest(forgeLeaf(), statementOf(FILENAME, utf8("x"), PREDICATE.sbom, {})),
      ],
    ]),
    "STATEMENT_SUBJECT",
  ],
  ...[...good.keys()].map((file): [string, ReadonlyMap<string, Uint8Array>, Code] => [
    `no ${file}`,
    without(file),
    "EVIDENCE_MISSING",
  ]),
  ...[...good.keys()].map((file): [string, ReadonlyMap<string, Uint8Array>, Code] => [
    `an empty ${file}`,
    new Map([...good, [file, new Uint8Array(0)]]),
    file === names.signature || file === names.certificate ? "DETACHED_FORMAT" : "FORMAT_JSON",
  ]),
];

describe("attacks on a release", () => {
  it("accepts the evidence of one job, and of two jobs on one commit", async () => {
    assert.equal(await judge(good), undefined);
    assert.equal(await judge(later), undefined);
    const job = release({ claims: { 21: "https://gitlab.example/acme/widgets/-/jobs/303" } });
    assert.equal(await judge(mixed(job, names.publishAttestation)), undefined);
  });

  for (const [name, evidence, code] of REFUSED) {
    it(`refuses ${name}`, async () => assert.equal(await judge(evidence), code));
  }

  it("refuses other bytes under all of the evidence", async () => {
    assert.equal(await judge(good, utf8("other bytes")), "SIGNATURE_DIGEST");
    assert.notDeepEqual(sha256(CONTENT), sha256(utf8("other bytes")));
  });
});
