import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkIdentity } from "../../src/verification/identity.ts";
import type { Signer, VerificationInput } from "../../src/verification/verdict.ts";
import { CLAIMS, forgeLeaf, ISSUER, type LeafOptions, SAN } from "./forge.ts";
import { inputOf, messageBundle } from "./forge-bundle.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const signedWith = (options: LeafOptions, changes: Partial<VerificationInput> = {}) =>
  inputOf(messageBundle(forgeLeaf(options)), changes);

const project = {
  kind: "identity",
  anyOf: [{ kind: "gitlab", issuer: ISSUER, project: "acme/widgets", ref: "refs/tags/v*" }],
} as const;

/** The source project of the certificate, in some spelling, where acme/widgets is expected. */
const sourced = (address: string): VerificationInput =>
  signedWith({ claims: { 12: address } }, { expect: project });

const atRef = (ref: string): VerificationInput =>
  signedWith({ san: `${SAN.split("@")[0]}@${ref}`, claims: { 14: ref } }, { expect: project });

const IDENTITY: readonly Case[] = [
  [
    "a job of another project that runs the expected configuration, by its exact name",
    () => signedWith({ claims: { 12: "https://gitlab.example/evil/widgets" } }),
    "IDENTITY_MISMATCH",
  ],
  ...[
    "https://gitlab.example/acme/widgets/evil",
    "https://gitlab.example/evil/acme/widgets",
    "https://gitlab.example/acme/widgets/",
    "https://gitlab.example//acme/widgets",
    "https://gitlab.example/acme/x/../widgets",
    "https://gitlab.example/acme/x/%2e%2e/widgets",
    "https://gitlab.example/acme/%77idgets",
    "https://gitlab.example/Acme/widgets",
    "https://gitlab.example/acme/w\u0456dgets",
    "https://gitlab.example/acme/widgets?x",
    "https://gitlab.example/acme/widgets#x",
    "https://gitlab.example\\acme\\widgets",
    "https://acme@gitlab.example/acme/widgets",
    " https://gitlab.example/acme/widgets",
    "https:/gitlab.example/acme/widgets",
    "http://gitlab.example/acme/widgets",
    "https:///acme/widgets",
    "acme/widgets",
  ].map((address): Case => [`source ${address}`, () => sourced(address), "IDENTITY_MISMATCH"]),
  [
    "a branch that is named like a tag",
    () => atRef("refs/heads/refs/tags/v1.2.0"),
    "IDENTITY_CLAIMS",
  ],
  [
    "a tag that is named like a branch",
    () => atRef("refs/tags/v1/../../heads/main"),
    "IDENTITY_CLAIMS",
  ],
  ["a merge request", () => atRef("refs/merge-requests/1/head"), "IDENTITY_CLAIMS"],
  [
    "a configuration whose name holds the ref that is expected",
    () =>
      signedWith(
        {
          san: `${SAN.split("@")[0]}@refs/tags/v1@refs/heads/main`,
          claims: { 14: "refs/tags/v1" },
        },
        { expect: project },
      ),
    "IDENTITY_CLAIMS",
  ],
  [
    "an identity that is not ASCII",
    () => signedWith({ san: SAN.replace("acme", "\u0430cme") }),
    "CERT_SAN",
  ],
];

describe("attacks by identity", () => {
  refuses(IDENTITY);
  accepts("accepts the same project on the host that an operator left", () =>
    sourced("https://gitlab.com/acme/widgets"),
  );
});
describe("attacks where an instance has a path of its own", () => {
  const issuer = "https://host.example/gitlab";
  const signer = (san: string, source: string): Extract<Signer, { kind: "certificate" }> => ({
    kind: "certificate",
    san,
    sanKind: "uri",
    issuer,
    claims: { ...CLAIMS, 8: issuer, 12: source } as unknown as Record<string, string>,
  });
  const san = SAN.replace(ISSUER, issuer);
  const structured = { kind: "gitlab", issuer, project: "acme/widgets" } as const;
  const exact = { kind: "exact", issuer, san } as const;

  for (const policy of [structured, exact]) {
    it(`tells the project from one in a group that is named like the path: ${policy.kind}`, () => {
      const judge = (source: string) => checkIdentity([policy], signer(san, source)).result.ok;
      assert.equal(judge(`${issuer}/acme/widgets`), true);
      assert.equal(judge("https://gitlab.com/acme/widgets"), true);
      assert.equal(judge("https://gitlab.com/gitlab/acme/widgets"), false);
      assert.equal(judge(`${issuer}/gitlab/acme/widgets`), false);
      assert.equal(judge("https://host.example/acme/widgets"), false);
    });
  }

  it("takes no e-mail for a job", () => {
    const email = { ...signer(san, `${issuer}/acme/widgets`), sanKind: "email" } as const;
    const { result } = checkIdentity([structured], email);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "IDENTITY_MISMATCH");
  });
});
