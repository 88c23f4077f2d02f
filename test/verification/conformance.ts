import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Artifact } from "../../src/formats/artifact.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { parseBundle } from "../../src/formats/bundle.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import type { Result } from "../../src/formats/result.ts";
import { parsePublicKeys } from "../../src/formats/trust-files.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import type { Expectation, Verdict } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";

/** The cases of sigstore-conformance, read where they are. */
export const CASES = new URL("../../../shared/vectors/sigstore-conformance/", import.meta.url);

export const caseNames = (): string[] =>
  existsSync(CASES)
    ? readdirSync(CASES, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort()
    : [];

const SAN =
  "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER = "https://token.actions.githubusercontent.com";

/** What most cases expect. */
export const EXPECTED: Expectation = {
  kind: "identity",
  anyOf: [{ kind: "exact", san: SAN, issuer: ISSUER }],
};

/** After every certificate and timestamp of the corpus. */
export const NOW = Date.parse("2026-11-24T00:00:00Z");

const read = (name: string, file: string): string | undefined => {
  const path = new URL(`${name}/${file}`, CASES);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
};

export const artifactOf = (name: string): Uint8Array => {
  const own = new URL(`${name}/artifact`, CASES);
  return new Uint8Array(readFileSync(existsSync(own) ? own : new URL("a.txt", CASES)));
};

const refusal = (result: { error: { code: string; message: string } }): Verdict =>
  ({ verified: false, failure: { hint: "", ...result.error }, checks: [] }) as Verdict;

const expectationOf = (name: string): Result<Expectation> => {
  const pem = read(name, "key.pub");
  if (pem === undefined) {
    const san = read(name, "identity")?.trim() ?? SAN;
    const issuer = read(name, "issuer")?.trim() ?? ISSUER;
    return {
      ok: true,
      value: { kind: "identity", anyOf: [{ kind: "exact", san, issuer }] },
    };
  }
  const keys = parsePublicKeys(pem);
  return keys.ok ? { ok: true, value: { kind: "key", key: keys.value[0]! } } : keys;
};

/** Runs one case as a conformance client would: any failure to parse is a refusal too. */
export const runCase = async (name: string, how: "PATH" | "DIGEST"): Promise<Verdict> => {
  const trust = parseTrustedRoot(read(name, "trusted_root.json") ?? PUBLIC_GOOD_ROOT);
  if (!trust.ok) return refusal(trust);
  const bundle = parseBundle(read(name, "bundle.sigstore.json") ?? "");
  if (!bundle.ok) return refusal(bundle);
  const expect = expectationOf(name);
  if (!expect.ok) return refusal(expect);
  const whole = artifactOfBytes(artifactOf(name));
  const artifact: Artifact = how === "PATH" ? whole : { sha256: whole.sha256 };
  return verify({
    artifact,
    bundle: bundle.value,
    trust: trust.value,
    expect: expect.value,
    now: NOW,
  });
};
