import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SDIST, WHEEL } from "../stages/release-support.ts";
import { openShell } from "./shell.ts";
import { signRelease } from "./signed-release.ts";

const shell = openShell();
let release: Awaited<ReturnType<typeof signRelease>>;
let policy: string;

const waiver = (waives: string, expires: string): string =>
  `\n[[waivers]]\npackage = "greeter"\nwaives = ["${waives}"]\nreason = "moving"\nowner = "ann@acme.example"\nexpires = ${expires}\n`;

before(async () => {
  release = await signRelease(shell.folder);
  policy = `
[[packages.greeter.identities]]
kind = "exact"
issuer = "https://elsewhere.example"
identity = "https://elsewhere.example/x"
[[packages.greeter.identities]]
kind = "gitlab"
issuer = "${release.issuer}"
project = "local/packages"
ref = "refs/heads/*"
`;
});
after(async () => {
  await release.close();
  rmSync(shell.folder, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(shell.folder, name), text);
const verify = (args: string) => shell.run(`wheelseal verify --trust-config trust.json ${args}`);

describe("a policy in use", () => {
  it("expects any of several identities for a package", () => {
    write("policy.toml", policy);
    const { output, code } = verify("--policy policy.toml dist");
    assert.equal(code, 0, output);
    assert.match(output, /verified greeter-1\.0\.0-py3-none-any\.whl/);
  });

  it("reads JSON of the same shape", () => {
    const identity = { kind: "exact", issuer: release.issuer, identity: release.san };
    write("policy.json", JSON.stringify({ packages: { Greeter: { identities: [identity] } } }));
    assert.equal(verify("--policy policy.json dist").code, 0);
  });

  it("is read from pyproject.toml, where no identity is named", () => {
    const table = policy.replaceAll("[packages", "[tool.wheelseal.policy.packages");
    write("pyproject.toml", table);
    assert.equal(verify("dist").code, 0);
    const named = `--certificate-identity x --certificate-oidc-issuer ${release.issuer} dist`;
    assert.match(verify(named).output, /error\[IDENTITY_MISMATCH\]/);
    rmSync(join(shell.folder, "pyproject.toml"));
    assert.match(verify("dist").output, /error\[IDENTITY_MISSING\]/);
  });

  it("refuses another's signature, more entries than there are, and what it does not know", () => {
    write("policy.toml", policy.replace("local/packages", "local/other"));
    assert.match(verify("--policy policy.toml dist").output, /error\[IDENTITY_MISMATCH\]/);
    write("policy.toml", `[packages.greeter]\ntlog-threshold = 2\n${policy}`);
    assert.match(verify("--policy policy.toml dist").output, /error\[TLOG_THRESHOLD\]/);
    write("policy.toml", policy.replaceAll("packages.greeter", "packages.other"));
    assert.match(verify("--policy policy.toml dist").output, /error\[IDENTITY_MISSING\]/);
  });

  it("refuses a policy that is malformed, absent, or said twice", () => {
    write("policy.toml", `${policy}surprise = 1`);
    const { output } = verify("--policy policy.toml dist");
    assert.match(output, /error\[POLICY_FORMAT\]: policy\.toml: policy/);
    write("policy.toml", "[");
    assert.match(verify("--policy policy.toml dist").output, /error\[FORMAT_TOML\]/);
    assert.match(verify("--policy none.toml dist").output, /error\[FILE_/);
    const twice = verify("--policy none.toml --certificate-identity x dist");
    assert.match(twice.output, /error\[CONFIG\]: --certificate-identity and --policy/);
  });

  it("decides for evidence that is named, too", () => {
    write("policy.toml", policy);
    const given = (file: string) =>
      verify(`--policy policy.toml --bundle dist/${WHEEL}.sigstore.json ${file}`);
    assert.equal(given(`dist/${WHEEL}`).code, 0);
    assert.match(given(`sha256:${"0".repeat(64)}`).output, /error\[DIST_NAME\]/);
  });
});

describe("waivers", () => {
  it("are printed though nothing is missing", () => {
    write("policy.toml", policy + waiver("provenance", "2999-12-31"));
    const { output, code } = verify("--policy policy.toml dist");
    assert.equal(code, 0);
    assert.match(
      output,
      /waiver of provenance for greeter until 2999-12-31 by ann@acme\.example \(moving\): not needed/,
    );
  });

  it("are of no use for evidence that is there and wrong", () => {
    write("policy.toml", policy + waiver("provenance", "2999-12-31"));
    const path = join(release.dist, `${WHEEL}.provenance.attestation`);
    const honest = readFileSync(path);
    for (const wrong of ["", "{}", readFileSync(`${path}`.replace(WHEEL, SDIST), "utf8")]) {
      writeFileSync(path, wrong);
      const { code, output } = verify("--policy policy.toml dist");
      assert.equal(code, 1, output);
    }
    writeFileSync(path, honest);
  });

  it("excuse what is absent, in text, JSON and JUnit, until they end", async () => {
    await release.without(`${WHEEL}.provenance.attestation`);
    write("policy.toml", policy);
    assert.match(verify("--policy policy.toml dist").output, /error\[EVIDENCE_MISSING\]/);
    write("policy.toml", policy + waiver("publish", "2999-12-31"));
    assert.match(verify("--policy policy.toml dist").output, /error\[EVIDENCE_MISSING\]/);
    write("policy.toml", policy + waiver("provenance", "2999-12-31"));
    const text = verify("--policy policy.toml --junit report.xml dist");
    assert.equal(text.code, 0, text.output);
    assert.match(text.output, /\(moving\): accepted without provenance/);
    const xml = readFileSync(join(shell.folder, "report.xml"), "utf8");
    assert.match(xml, /<skipped message="waiver of provenance [^"]*accepted without provenance"/);
    const json = verify("--policy policy.toml --json dist");
    const [note] = JSON.parse(json.output).files[0].waivers;
    assert.deepEqual(note.excused, ["provenance"]);
    assert.equal(note.waiver.owner, "ann@acme.example");
    write("policy.toml", policy + waiver("provenance", "2020-12-31"));
    const over = verify("--policy policy.toml dist");
    assert.equal(over.code, 1);
    assert.match(over.output, /error\[POLICY_WAIVER_EXPIRED\]/);
    assert.match(over.output, /over, excuses nothing/);
  });

  it("excuse the detached files and the publish attestation, each by name", async () => {
    await release.without(`${SDIST}.sig`);
    write("policy.toml", policy + waiver("detached", "2999-12-31"));
    const half = verify(`--policy policy.toml dist/${SDIST}`);
    assert.match(half.output, /error\[EVIDENCE_MISSING\]/, "a .crt alone is not absence");
    await release.without(`${SDIST}.crt`);
    assert.equal(verify(`--policy policy.toml dist/${SDIST}`).code, 0);
    await release.without(`${SDIST}.publish.attestation`);
    assert.equal(verify(`--policy policy.toml dist/${SDIST}`).code, 1);
    write("policy.toml", policy + waiver('publish", "detached', "2999-12-31"));
    const { output, code } = verify(`--policy policy.toml dist/${SDIST}`);
    assert.equal(code, 0);
    assert.match(output, /accepted without detached and publish/);
  });
});
