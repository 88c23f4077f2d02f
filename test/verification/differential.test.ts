import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { artifactOf, CASES, caseNames, EXPECTED, runCase } from "./conformance.ts";
import { secondVerifier } from "./second-verifier.ts";

const names = caseNames();
const skip = names.length === 0 ? `no vectors at ${CASES.pathname}` : false;

const read = (name: string, file: string): string | undefined => {
  const path = new URL(`${name}/${file}`, CASES);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
};

/** The other implementation's verdict over the same case; any exception is a refusal. */
const theirs = (name: string): boolean => {
  const pem = read(name, "key.pub");
  assert.ok(EXPECTED.kind === "identity");
  const [exact] = EXPECTED.anyOf;
  assert.ok(exact?.kind === "exact");
  try {
    const root: unknown = JSON.parse(read(name, "trusted_root.json") ?? PUBLIC_GOOD_ROOT);
    return secondVerifier(
      root,
      pem === undefined ? undefined : createPublicKey(pem),
    )({
      bundle: JSON.parse(read(name, "bundle.sigstore.json") ?? ""),
      artifact: artifactOf(name),
      san: read(name, "identity")?.trim() ?? exact.san,
      issuer: read(name, "issuer")?.trim() ?? exact.issuer,
    });
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
