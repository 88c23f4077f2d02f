import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { artifactOf, CASES, caseNames, EXPECTED, runCase } from "./conformance.ts";

const names = caseNames();
const skip = names.length === 0 ? `no vectors at ${CASES.pathname}` : false;

const read = (name: string, file: string): string | undefined => {
  const path = new URL(`${name}/${file}`, CASES);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
};

/** The other implementation's verdict over the same case; any exception is a refusal. */
const theirs = (name: string): boolean => {
  try {
    const root = TrustedRoot.fromJSON(
      JSON.parse(read(name, "trusted_root.json") ?? PUBLIC_GOOD_ROOT),
    );
    const pem = read(name, "key.pub");
    const key = pem === undefined ? undefined : createPublicKey(pem);
    const material = toTrustMaterial(
      root,
      key && (() => ({ publicKey: key, validFor: () => true })),
    );
    const bundle = bundleFromJSON(JSON.parse(read(name, "bundle.sigstore.json") ?? ""));
    const verifier = new Verifier(material, { ctlogThreshold: key === undefined ? 1 : 0 });
    const entity = toSignedEntity(bundle, Buffer.from(artifactOf(name)));
    assert.ok(EXPECTED.kind === "identity");
    const [exact] = EXPECTED.anyOf;
    assert.ok(exact?.kind === "exact");
    const san = read(name, "identity")?.trim() ?? exact.san;
    const issuer = read(name, "issuer")?.trim() ?? exact.issuer;
    const policy = { subjectAlternativeName: san, extensions: { issuer } };
    verifier.verify(entity, key === undefined ? policy : undefined);
    return true;
  } catch {
    return false;
  }
};

/** Cases on which the two differ, each with the rule of ours that decides it. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "trust-root-tlog-missing-validity-start_fail":
    "a key's validity must have a start, so the whole trust root is malformed (TRUST_FORMAT)",
};

describe("the same corpus through a second implementation", { skip }, () => {
  for (const name of names) {
    it(name, async () => {
      const ours = (await runCase(name, "PATH")).verified;
      const same = ours === theirs(name);
      assert.equal(same, DIFFERENCES[name] === undefined, `ours: ${ours}`);
      assert.equal(ours, !name.endsWith("_fail"));
    });
  }
});
