import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AttestationIdentity,
  attestationIdentityOf,
  expectationOf,
  isStated,
} from "../../src/consumer/attestation-identity.ts";
import type { Signer } from "../../src/verification/verdict.ts";

type Certified = Extract<Signer, { kind: "certificate" }>;

const GITLAB: Certified = {
  kind: "certificate",
  san: "https://gitlab.com/acme/widgets//.gitlab-ci.yml@refs/tags/v1",
  sanKind: "uri",
  issuer: "https://gitlab.com",
  claims: { "12": "https://gitlab.com/acme/widgets", "14": "refs/tags/v1", "15": "7", "17": "8" },
};

const GITHUB: Certified = {
  kind: "certificate",
  san: "https://github.com/acme/widgets/.github/workflows/release.yml@refs/tags/v1",
  sanKind: "uri",
  issuer: "https://token.actions.githubusercontent.com",
  claims: { "12": "https://github.com/acme/widgets", "14": "refs/tags/v1", "23": "pypi" },
};

const MAIL: Certified = {
  kind: "certificate",
  san: "a@example.com",
  sanKind: "email",
  issuer: "https://accounts.google.com",
  claims: {},
};

const elsewhere = "https://gitlab.example";
const OWN_GITLAB: Certified = {
  ...GITLAB,
  san: `${elsewhere}/acme/widgets//.gitlab-ci.yml@refs/tags/v1`,
  issuer: elsewhere,
  claims: { ...GITLAB.claims, "12": `${elsewhere}/acme/widgets` },
};

const identity = (kind: string, fields: Record<string, string>): AttestationIdentity => ({
  kind,
  fields,
});

const widgets = { repository: "acme/widgets", workflow_filepath: ".gitlab-ci.yml" };
const flow = { repository: "acme/widgets", workflow: "release.yml" };

describe("an identity is written as PEP 740 names publishers, and expects its own signer", () => {
  const cases: readonly [what: string, signer: Certified, written: AttestationIdentity][] = [
    ["gitlab.com", GITLAB, identity("GitLab", { ...widgets, project_id: "7", namespace_id: "8" })],
    [
      "another GitLab",
      OWN_GITLAB,
      identity("GitLab", { ...widgets, issuer: elsewhere, project_id: "7", namespace_id: "8" }),
    ],
    ["github.com", GITHUB, identity("GitHub", { ...flow, environment: "pypi" })],
    ["a Google account", MAIL, identity("Google", { email: "a@example.com" })],
    [
      "another account",
      { ...MAIL, issuer: "https://login.example" },
      identity("Sigstore", { identity: "a@example.com", issuer: "https://login.example" }),
    ],
  ];
  for (const [what, signer, written] of cases) {
    test(what, () => {
      const found = attestationIdentityOf(signer);
      assert.deepEqual(found, written);
      assert.deepEqual(Object.keys(found?.fields ?? {}), Object.keys(written.fields));
      assert.ok(isStated(written, signer));
      for (const other of cases.filter(([name]) => name !== what)) {
        assert.equal(isStated(written, other[1]), false, other[0]);
      }
    });
  }
});

describe("what a lock states is compared with the certificate", () => {
  const cases: readonly [what: string, stated: AttestationIdentity, signer: Signer, is: boolean][] =
    [
      ["without numbers", identity("GitLab", widgets), GITLAB, true],
      ["another number", identity("GitLab", { ...widgets, project_id: "9" }), GITLAB, false],
      ["another owner", identity("GitLab", { ...widgets, namespace_id: "9" }), GITLAB, false],
      ["another issuer", identity("GitLab", widgets), OWN_GITLAB, false],
      [
        "an issuer that begins alike",
        identity("GitLab", { ...widgets, issuer: "https://gitlab.com.evil" }),
        GITLAB,
        false,
      ],
      [
        "a longer path",
        identity("GitLab", { ...widgets, repository: "acme/widget" }),
        GITLAB,
        false,
      ],
      [
        "another file",
        identity("GitLab", { ...widgets, workflow_filepath: "a.yml" }),
        GITLAB,
        false,
      ],
      ["another environment", identity("GitHub", { ...flow, environment: "test" }), GITHUB, false],
      ["an empty environment", identity("GitHub", { ...flow, environment: "" }), GITHUB, true],
      [
        "an environment that the certificate does not name",
        identity("GitLab", { ...widgets, environment: "production" }),
        GITLAB,
        true,
      ],
      ["another kind", identity("GitHub", { ...widgets, ...flow }), GITLAB, false],
      ["a key", identity("GitLab", widgets), { kind: "key", keyId: "00" }, false],
      [
        "a kind without what it needs",
        identity("GitLab", { repository: "acme/widgets" }),
        GITLAB,
        false,
      ],
      ["an unknown kind", identity("Unheard", widgets), GITLAB, false],
    ];
  for (const [what, stated, signer, is] of cases) {
    test(what, () => assert.equal(isStated(stated, signer), is));
  }
  test("what cannot be compared says so", () => {
    const found = expectationOf(identity("Unheard", { a: "b" }));
    assert.equal(found.ok ? "read" : found.error.code, "LOCK_IDENTITY");
  });
});
