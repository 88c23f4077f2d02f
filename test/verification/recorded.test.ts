import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Artifact, artifactOfBytes } from "../../src/formats/artifact.ts";
import { attestationToBundle, parseAttestation } from "../../src/formats/attestation.ts";
import { type Bundle, parseBundle } from "../../src/formats/bundle.ts";
import { fromHex, utf8 } from "../../src/formats/bytes.ts";
import { parseProvenance } from "../../src/formats/provenance-object.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseStatement } from "../../src/formats/statement.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import type { IdentityPolicy } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";

const VECTORS = new URL("../../../shared/vectors/", import.meta.url);
const skip = existsSync(VECTORS) ? false : `no vectors at ${VECTORS.pathname}`;
const NOW = Date.parse("2026-11-24T00:00:00Z");

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, VECTORS)));
const asset = (name: string): Uint8Array => read(`pypi-attestations/${name}`);

const publicGood = () => unwrap(parseTrustedRoot(PUBLIC_GOOD_ROOT));
const staging = () =>
  unwrap(parseTrustedRoot(read("sigstore-conformance/rekor2-happy-path/trusted_root.json")));

const GITHUB = "https://token.actions.githubusercontent.com";
const github = (repository: string, ref: string): IdentityPolicy => ({
  kind: "github",
  issuer: GITHUB,
  repository,
  workflow: "release.yml",
  ref,
});
const GITLAB: IdentityPolicy = {
  kind: "gitlab",
  issuer: "https://gitlab.com",
  project: "facutuesca/gitlab-oidc-project",
  ref: "refs/heads/*",
};
const WILLIAM: IdentityPolicy = {
  kind: "email",
  email: "william@yossarian.net",
  issuer: "https://github.com/login/oauth",
};

const attested = (bytes: Uint8Array): Bundle =>
  attestationToBundle(unwrap(parseAttestation(bytes)));
const provided = (bytes: Uint8Array): Bundle => {
  const [bundle] = unwrap(parseProvenance(bytes)).bundles;
  return attestationToBundle(bundle!.attestations[0]!);
};

type Recorded = {
  readonly file: string;
  readonly dist: string;
  readonly bundle: (bytes: Uint8Array) => Bundle;
  readonly trust: typeof publicGood;
  readonly policy: IdentityPolicy;
  readonly predicate: string;
};

const PUBLISH = "https://docs.pypi.org/attestations/publish/v1";
const OWN = "pypi_attestations-0.0.19.tar.gz";
const own = {
  dist: OWN,
  trust: publicGood,
  policy: github("trailofbits/pypi-attestations", "refs/tags/v*"),
};
const models = {
  dist: "pypi_attestation_models-0.0.4a2.tar.gz",
  trust: publicGood,
  policy: github("trailofbits/pypi-attestation-models", "refs/tags/v0.0.4a2"),
  predicate: PUBLISH,
};
const rfc = {
  dist: "rfc8785-0.1.2-py3-none-any.whl",
  trust: staging,
  policy: WILLIAM,
  predicate: PUBLISH,
};

const RECORDED: readonly Recorded[] = [
  {
    file: "gitlab_oidc_project-0.0.3.tar.gz.publish.attestation",
    dist: "gitlab_oidc_project-0.0.3.tar.gz",
    bundle: attested,
    trust: publicGood,
    policy: GITLAB,
    predicate: PUBLISH,
  },
  { file: `${OWN}.publish.attestation`, bundle: attested, predicate: PUBLISH, ...own },
  {
    file: `${OWN}.slsa.attestation`,
    bundle: attested,
    predicate: "https://slsa.dev/provenance/v1",
    ...own,
  },
  { file: `${OWN}.provenance`, bundle: provided, predicate: PUBLISH, ...own },
  { file: `${models.dist}.attestation`, bundle: attested, ...models },
  { file: `${models.dist}.sigstore`, bundle: (bytes) => unwrap(parseBundle(bytes)), ...models },
  { file: `${rfc.dist}.attestation`, bundle: attested, ...rfc },
  { file: `${rfc.dist}.publish.attestation`, bundle: attested, ...rfc },
  { file: `${rfc.dist}.sigstore`, bundle: (bytes) => unwrap(parseBundle(bytes)), ...rfc },
];

describe("recorded attestations", { skip }, () => {
  for (const { file, dist, bundle, trust, policy, predicate } of RECORDED) {
    const inputFor = (artifact: Artifact) => ({
      artifact,
      bundle: bundle(asset(file)),
      trust: trust(),
      expect: { kind: "identity", anyOf: [policy] } as const,
      now: NOW,
    });

    it(`accepts ${file}`, async () => {
      const verdict = await verify(inputFor(artifactOfBytes(asset(dist), dist)));
      assert.ok(verdict.verified, JSON.stringify(verdict));
      assert.equal(verdict.binding, "release");
      assert.equal(verdict.predicateType, predicate);
    });

    it(`refuses ${file} for another file, and under another name`, async () => {
      for (const artifact of [
        artifactOfBytes(utf8("other"), dist),
        artifactOfBytes(asset(dist), `other-1.0.tar.gz`),
      ]) {
        const verdict = await verify(inputFor(artifact));
        assert.ok(!verdict.verified);
        assert.equal(verdict.failure.code, "STATEMENT_SUBJECT");
      }
    });

    it(`refuses ${file} as another's`, async () => {
      const input = inputFor(artifactOfBytes(asset(dist), dist));
      const anyOf = [{ kind: "exact", san: "https://example.com", issuer: GITHUB }] as const;
      const verdict = await verify({ ...input, expect: { kind: "identity", anyOf } });
      assert.ok(!verdict.verified);
      assert.match(verdict.failure.code, /^IDENTITY_(MISMATCH|ISSUER)$/);
    });
  }

  it("accepts a recorded provenance object of an index, by the digest it is about", async () => {
    const bundle = provided(read("warehouse/sampleproject-4.0.0.tar.gz.provenance"));
    assert.ok(bundle.content.kind === "dsse");
    const [subject] = unwrap(parseStatement(bundle.content.envelope.payload)).subjects;
    const sha256 = unwrap(fromHex(subject!.digest.sha256!)) as Artifact["sha256"];
    const verdict = await verify({
      artifact: { name: "sampleproject-4.0.0.tar.gz", sha256 },
      bundle,
      trust: publicGood(),
      expect: { kind: "identity", anyOf: [github("pypa/sampleproject", "refs/heads/main")] },
      now: NOW,
    });
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });
});
