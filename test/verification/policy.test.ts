import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "smol-toml";
import { parseName } from "../../src/dists/name.ts";
import { parseVersion } from "../../src/dists/version.ts";
import { unwrap } from "../../src/formats/result.ts";
import { decide, demandOf, describeWaiver, excuse } from "../../src/verification/policy.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";

const TOML = `
[packages.Acme_Widgets]
tlog-threshold = 2
[[packages.Acme_Widgets.identities]]
kind = "gitlab"
issuer = "https://gitlab.example"
project = "acme/widgets"
config-path = "ci.yml"
ref = "refs/tags/v*"
environment = "release"
project-id = "20"
namespace-id = "72"
sha = "0123"
[[packages.Acme_Widgets.identities]]
kind = "github"
issuer = "https://token.actions.githubusercontent.com"
repository = "acme/widgets"
workflow = "release.yml"
ref = "refs/tags/*"
sha = "0123"
[[packages.other.identities]]
kind = "email"
issuer = "https://accounts.example"
email = "a@acme.example"
[[packages.other.identities]]
kind = "exact"
issuer = "https://accounts.example"
identity = "https://example.com/x"

[[waivers]]
package = "Acme.Widgets"
waives = ["provenance", "detached"]
reason = "no attestations yet"
owner = "alice"
expires = 2026-12-31
[[waivers]]
package = "other"
version = "1.0"
waives = ["publish"]
reason = "broken release"
owner = "bob"
expires = "2026-11-01"
`;

const policy = unwrap(readPolicy(parse(TOML)));
const name = (text: string) => unwrap(parseName(text));
const version = (text: string) => unwrap(parseVersion(text));
const at = (text: string): number => Date.parse(text);
const NOW = at("2026-11-24T12:00:00Z");

describe("policy", () => {
  it("reads every kind of identity, by normalised package names", () => {
    const widgets = policy.packages.get(name("acme-widgets"));
    assert.equal(widgets?.tlogThreshold, 2);
    assert.deepEqual(widgets?.identities[0], {
      kind: "gitlab",
      issuer: "https://gitlab.example",
      project: "acme/widgets",
      configPath: "ci.yml",
      ref: "refs/tags/v*",
      environment: "release",
      projectId: "20",
      namespaceId: "72",
      sha: "0123",
    });
    assert.equal(widgets?.identities[1]?.kind, "github");
    assert.deepEqual(policy.packages.get(name("other"))?.identities[1], {
      kind: "exact",
      issuer: "https://accounts.example",
      san: "https://example.com/x",
    });
  });

  it("asks for verification of a known package", () => {
    const demand = unwrap(decide(policy, name("acme.widgets"), undefined));
    assert.equal(demand.tlogThreshold, 2);
    assert.ok(demand.expect.kind === "identity");
    assert.equal(demand.expect.anyOf.length, 2);
  });

  it("decides by the name of a distribution", () => {
    const expected = { kind: "policy", policy, from: "policy.toml", sha256: "00" } as const;
    const demand = unwrap(demandOf(expected, "other-1.0-py3-none-any.whl"));
    assert.ok(demand.expect.kind === "identity");
    assert.equal(demand.expect.anyOf.length, 2);
    assert.equal(demand.waivers.length, 1);
    const unnamed = demandOf(expected, "other.txt");
    assert.equal(unnamed.ok ? "ok" : unnamed.error.code, "DIST_NAME");
  });

  it("leaves an expectation that holds for every file as it is", () => {
    const expect = { kind: "identity", anyOf: [] } as const;
    const demand = unwrap(demandOf(expect, "anything"));
    assert.deepEqual(demand, { expect, tlogThreshold: 1, waivers: [] });
  });

  it("waives through the last day, and hands the waiver on to be printed", () => {
    const { waivers } = unwrap(decide(policy, name("acme-widgets"), version("3")));
    for (const now of [NOW, at("2026-12-31T23:59:59.999Z")]) {
      const waiver = unwrap(excuse(waivers, "provenance", now));
      assert.ok(waiver !== undefined);
      assert.equal(
        describeWaiver(waiver),
        "waiver of provenance and detached for acme-widgets until 2026-12-31 by alice (no attestations yet)",
      );
    }
  });

  it("waives only what a waiver names", () => {
    const { waivers } = unwrap(decide(policy, name("acme-widgets"), version("3")));
    assert.equal(unwrap(excuse(waivers, "publish", NOW)), undefined);
    assert.equal(unwrap(excuse([], "provenance", NOW)), undefined);
  });

  it("refuses what was waived, from the day after", () => {
    const { waivers } = unwrap(decide(policy, name("acme-widgets"), undefined));
    const result = excuse(waivers, "provenance", at("2027-01-01T00:00:00Z"));
    assert.ok(!result.ok);
    assert.equal(result.error.code, "POLICY_WAIVER_EXPIRED");
    assert.match(result.error.message, /by alice/);
  });

  it("waives by one that holds, though another is over", () => {
    const [one] = policy.waivers;
    assert.ok(one !== undefined);
    const over = { ...one, endsAt: NOW, owner: "carol" };
    assert.equal(unwrap(excuse([over, one], "provenance", NOW))?.owner, "alice");
  });

  it("waives no other version, and none that is not known", () => {
    const waived = (of: ReturnType<typeof version> | undefined) =>
      unwrap(decide(policy, name("other"), of)).waivers.length;
    assert.equal(waived(version("1.0.0")), 1);
    assert.equal(waived(version("1.1")), 0);
    assert.equal(waived(undefined), 0);
    assert.match(describeWaiver(policy.waivers[1]!), /other 1\.0 until/);
  });

  it("refuses a package that it does not know", () => {
    const result = decide(policy, name("unknown"), undefined);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "IDENTITY_MISSING");
  });

  const identity = { kind: "exact", issuer: "https://a", identity: "x" };
  const waiver = {
    package: "a",
    waives: ["publish"],
    reason: "r",
    owner: "o",
    expires: "2026-01-01",
  };
  const MALFORMED: readonly [string, unknown][] = [
    ["an unknown field", { package: {} }],
    ["no table", 1],
    ["no identities", { packages: { a: {} } }],
    ["an empty list of identities", { packages: { a: { identities: [] } } }],
    ["an unknown kind", { packages: { a: { identities: [{ kind: "regex" }] } } }],
    ["a misspelt field", { packages: { a: { identities: [{ ...identity, isuer: "x" }] } } }],
    ["an empty identity", { packages: { a: { identities: [{ ...identity, identity: " " }] } } }],
    [
      "an issuer that is no URL",
      { packages: { a: { identities: [{ ...identity, issuer: "a" }] } } },
    ],
    ["a threshold of zero", { packages: { a: { identities: [identity], "tlog-threshold": 0 } } }],
    [
      "one package twice",
      { packages: { "a-b": { identities: [identity] }, a_b: { identities: [identity] } } },
    ],
    ["a name that is none", { packages: { "-": { identities: [identity] } } }],
    ["a waiver of nothing", { waivers: [{ ...waiver, waives: [] }] }],
    ["a waiver that does not say of what", { waivers: [{ ...waiver, waives: undefined }] }],
    ["a waiver of the signature", { waivers: [{ ...waiver, waives: ["signature"] }] }],
    ["a waiver without an owner", { waivers: [{ ...waiver, owner: undefined }] }],
    ["a waiver with an empty owner", { waivers: [{ ...waiver, owner: "" }] }],
    ["a waiver without an end", { waivers: [{ ...waiver, expires: undefined }] }],
    ["a waiver that ends on no day", { waivers: [{ ...waiver, expires: "soon" }] }],
    [
      "a waiver that ends on a day of no calendar",
      { waivers: [{ ...waiver, expires: "2026-13-01" }] },
    ],
    ["a waiver for a version that is none", { waivers: [{ ...waiver, version: "x y" }] }],
  ];
  for (const [what, value] of MALFORMED) {
    it(`refuses ${what}`, () => {
      const result = readPolicy(value);
      assert.ok(!result.ok);
      assert.equal(result.error.code, "POLICY_FORMAT");
      assert.match(result.error.message, /^policy/);
    });
  }

  it("pins files by digest, with identities or without", () => {
    const digest = "0".repeat(64);
    const pins = [`sha256:${digest}`];
    const read = unwrap(
      readPolicy({ packages: { a: { pins }, b: { pins, identities: [identity] } } }),
    );
    assert.deepEqual(unwrap(decide(read, name("a"), undefined)).pins, [digest]);
    const both = unwrap(decide(read, name("b"), undefined));
    assert.deepEqual(both.pins, [digest]);
    assert.ok(both.expect.kind === "identity" && both.expect.anyOf.length === 1);
    for (const bad of [{ pins: [] }, { pins: [digest] }, { pins, identities: [] }]) {
      const result = readPolicy({ packages: { a: bad } });
      assert.equal(result.ok ? "ok" : result.error.code, "POLICY_FORMAT");
    }
  });

  it("leaves out what an identity does not say", () => {
    const few = { kind: "gitlab", issuer: "https://a", project: "a/b" };
    const read = unwrap(readPolicy({ packages: { a: { identities: [few] } } }));
    assert.deepEqual(read.packages.get(name("a"))?.identities, [few]);
  });

  it("reads an empty policy, which expects nobody", () => {
    assert.equal(unwrap(readPolicy({})).packages.size, 0);
  });
});

describe("file names that are not in normal form", () => {
  const digest = "ab".repeat(32);
  const policy = unwrap(
    readPolicy({
      packages: {
        "backports-tarfile": { pins: [`sha256:${digest}`] },
        "acme-widgets": {
          identities: [{ kind: "email", issuer: "https://accounts.example", email: "a@b.example" }],
        },
      },
    }),
  );
  const codeOf = (filename: string) => {
    const demand = demandOf(
      { kind: "policy", policy, from: "policy.toml", sha256: "00" },
      filename,
    );
    return demand.ok ? demand.value.pins : demand.error.code;
  };
  const CASES: readonly (readonly [string, string, readonly string[] | string])[] = [
    [
      "of a pinned package is judged by the pins alone",
      "backports.tarfile-1.2.0-py3-none-any.whl",
      [digest],
    ],
    ["of a package with identities is refused", "Acme.Widgets-1.0-py3-none-any.whl", "DIST_NAME"],
    [
      "of a package that the policy does not know is refused",
      "Other.Thing-1.0-py3-none-any.whl",
      "DIST_NAME",
    ],
    ["that names no release is refused", "nothing.whl", "DIST_NAME"],
  ];
  for (const [what, filename, wanted] of CASES) {
    it(`one ${what}`, () => assert.deepEqual(codeOf(filename), wanted));
  }
});
