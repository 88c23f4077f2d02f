import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { SDIST, WHEEL } from "../stages/release-support.ts";
import { openShell } from "./shell.ts";
import { mintToken, signRelease } from "./signed-release.ts";

const shell = openShell();
let release: Awaited<ReturnType<typeof signRelease>>;
let who: string[];

before(async () => {
  release = await signRelease(shell.folder);
  who = ["--certificate-identity", release.san, "--certificate-oidc-issuer", release.issuer];
});
after(async () => {
  await release.close();
  rmSync(shell.folder, { recursive: true });
});

/** Runs beside this process, in which the stack answers. */
const verify = async (...args: string[]) => {
  const env = {
    PATH: process.env.PATH,
    SIGSTORE_ID_TOKEN: await mintToken(release),
    NO_COLOR: "1",
  };
  return new Promise<{ code: number; output: string }>((done) => {
    const program = join(shell.folder, ".bin/wheelseal");
    const all = ["verify", "--trust-config", "trust.json", ...args];
    execFile(program, all, { cwd: shell.folder, env }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
};

const statementIn = (file: string) => {
  const bundle = JSON.parse(readFileSync(join(shell.folder, file), "utf8"));
  return JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString());
};

const VSA = "https://slsa.dev/verification_summary/v1";

describe("verify --summary", () => {
  it("signs what was verified, by which policy, and to which level with the reasons", async () => {
    const { code, output } = await verify(...who, "--summary", "summary.json", "dist");
    assert.equal(code, 0, output);
    assert.match(output, /reached {2}SLSA_BUILD_LEVEL_1: every file has a signed provenance/);
    assert.match(output, /not {6}SLSA_BUILD_LEVEL_2: the job that built the files also wrote/);
    const { subject, predicateType, predicate } = statementIn("summary.json");
    assert.equal(predicateType, VSA);
    assert.deepEqual(subject.map(({ name }: { name: string }) => name).sort(), [WHEEL, SDIST]);
    assert.equal(predicate.verifier.id, release.san);
    assert.equal(predicate.resourceUri, "pkg:pypi/greeter@1.0.0");
    assert.equal(predicate.verificationResult, "PASSED");
    assert.deepEqual(predicate.verifiedLevels, ["SLSA_BUILD_LEVEL_1"]);
    const { uri, digest } = predicate.policy;
    const document = decodeURIComponent(uri.slice(uri.indexOf(",") + 1));
    assert.equal(digest.sha256, hex(sha256(Buffer.from(document))));
    assert.equal(JSON.parse(document).anyOf[0].san, release.san);
    assert.equal(predicate.inputAttestations.length, 6);
    for (const { uri: file, digest: input } of predicate.inputAttestations) {
      assert.equal(input.sha256, hex(sha256(readFileSync(join(release.dist, file)))));
    }
  });

  it("makes what verifies for each of its files, where it is asked for, and for no other", async () => {
    const given = ["--bundle", "summary.json", "--predicate-type", VSA];
    for (const name of [WHEEL, SDIST]) {
      const { code, output } = await verify(...who, ...given, `dist/${name}`);
      assert.equal(code, 0, output);
    }
    assert.match((await verify(...who, ...given, "trust.json")).output, /STATEMENT_SUBJECT/);
    const other = [
      "--bundle",
      "summary.json",
      "--predicate-type",
      "https://slsa.dev/provenance/v1",
    ];
    assert.match((await verify(...who, ...other, `dist/${WHEEL}`)).output, /STATEMENT_PREDICATE/);
  });

  it("names the policy file, its digest and the waivers, and no level without provenance", async () => {
    rmSync(join(release.dist, `${SDIST}.provenance.attestation`));
    const policy = `[[packages.greeter.identities]]\nkind = "exact"\nissuer = "${release.issuer}"\nidentity = "${release.san}"\n[[waivers]]\npackage = "greeter"\nwaives = ["provenance"]\nreason = "moving"\nowner = "ann"\nexpires = 2999-01-01\n`;
    writeFileSync(join(shell.folder, "policy.toml"), policy);
    const { code, output } = await verify("--policy", "policy.toml", "--summary", "s.json", "dist");
    assert.equal(code, 0, output);
    const { predicate } = statementIn("s.json");
    assert.deepEqual(predicate.policy, {
      uri: "policy.toml",
      digest: { sha256: hex(sha256(Buffer.from(policy))) },
    });
    assert.deepEqual(predicate.verifiedLevels, ["SLSA_BUILD_LEVEL_0"]);
    assert.match(predicate.wheelseal_levelReasons[0].reason, new RegExp(`verified for ${SDIST}`));
    assert.match(predicate.wheelseal_waivers[0], /waiver of provenance for greeter/);
  });

  it("signs a refusal as one, which nobody takes for more", async () => {
    const { code, output } = await verify(...who, "--summary", "failed.json", "dist");
    assert.equal(code, 1);
    assert.match(output, /error\[EVIDENCE_MISSING\]/);
    const { predicate } = statementIn("failed.json");
    assert.equal(predicate.verificationResult, "FAILED");
    assert.deepEqual(predicate.verifiedLevels, ["FAILED"]);
    const read = await verify(...who, "--bundle", "failed.json", `dist/${WHEEL}`);
    assert.equal(read.code, 1);
    assert.match(read.output, /error\[SUMMARY_FAILED\]/);
  });

  it("is not made of evidence that was named", async () => {
    const named = ["--bundle", "summary.json", "--summary", "x.json", `dist/${WHEEL}`];
    assert.equal((await verify(...who, ...named)).code, 2);
  });
});
