import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { mintToken } from "../cli/signed-release.ts";
import { openStack } from "../stages/sign-support.ts";
import { CASES, EXPECTED } from "../verification/conformance.ts";

const client = fileURLToPath(new URL("client.ts", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "wheelseal-conformance-"));

/** The client as the suite starts it: a process, its arguments, its exit code. */
const run = (...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((done) => {
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", client, ...args];
    const [program = "", ...rest] = node;
    execFile(program, rest, { cwd: work }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });

const identity = EXPECTED.kind === "identity" ? EXPECTED.anyOf[0] : undefined;
const who =
  identity?.kind === "exact"
    ? [`--certificate-identity=${identity.san}`, `--certificate-oidc-issuer=${identity.issuer}`]
    : [];

/** A choice of the corpus: every kind of content, material, log and fault; the code, 0 or 1. */
const CHOSEN: readonly (readonly [string, number])[] = [
  ["happy-path-v0.1", 0],
  ["happy-path-v0.3", 0],
  ["happy-path-intoto-in-dsse-v3", 0],
  ["rekor2-happy-path", 0],
  ["rekor2-dsse-happy-path", 0],
  ["managed-key-happy-path", 0],
  ["managed-key-and-trusted-root", 0],
  ["managed-key-wrong-key_fail", 1],
  ["wrong-hashedrekord-entry_fail", 1],
  ["checkpoint-wrong-roothash_fail", 1],
  ["invalid-inclusion-proof_fail", 1],
  ["invalid-ct-key_fail", 1],
  ["trust-root-tlog-missing-validity-start_fail", 1],
  ["dsse-mismatch-envelope_fail", 1],
  ["rekor2-no-timestamp_fail", 1],
];

const callOf = (name: string): { args: string[]; file: string } => {
  const path = (file: string): string => fileURLToPath(new URL(`${name}/${file}`, CASES));
  const args = [`--bundle=${path("bundle.sigstore.json")}`];
  if (existsSync(path("key.pub"))) args.push(`--key=${path("key.pub")}`);
  else args.push(...who);
  if (existsSync(path("trusted_root.json")))
    args.push(`--trusted-root=${path("trusted_root.json")}`);
  const own = path("artifact");
  return { args, file: existsSync(own) ? own : fileURLToPath(new URL("a.txt", CASES)) };
};

describe("verify-bundle", {
  concurrency: 2,
  skip: existsSync(CASES) ? false : "the corpus is not here",
}, () => {
  for (const [i, [name, code]] of CHOSEN.entries()) {
    const how = i % 2 === 0 ? "PATH" : "DIGEST";
    it(`exits with ${code}: ${name} by ${how}`, async () => {
      const { args, file } = callOf(name);
      const digest = `sha256:${hex(sha256(readFileSync(file)))}`;
      const ended = await run("verify-bundle", ...args, how === "PATH" ? file : digest);
      assert.equal(ended.code, code, ended.output);
      assert.match(ended.output, code === 0 ? /^verified\n$/ : /^[A-Z]+_[A-Z_]+: /);
    });
  }
});

describe("sign-bundle", () => {
  let opened: Awaited<ReturnType<typeof openStack>>;
  let services: string[];
  let signer: string[];
  before(async () => {
    opened = await openStack();
    const config = JSON.parse(readFileSync(opened.stack.trustConfig, "utf8"));
    writeFileSync(join(work, "root.json"), JSON.stringify(config.trustedRoot));
    writeFileSync(join(work, "signing.json"), JSON.stringify(config.signingConfig));
    services = ["--trusted-root=root.json", "--signing-config=signing.json"];
    const issuer = opened.stack.urls.gitlab;
    signer = [
      `--certificate-identity=${issuer.replace("http:", "https:")}/local/packages//.gitlab-ci.yml@refs/heads/main`,
      `--certificate-oidc-issuer=${issuer}`,
      "--trusted-root=root.json",
    ];
    writeFileSync(join(work, "a.txt"), "a file\n");
    writeFileSync(join(work, "b.txt"), "another\n");
  });
  after(async () => {
    await opened.close();
    rmSync(work, { recursive: true });
  });
  const token = async (): Promise<string> =>
    `--identity-token=${await mintToken({ issuer: opened.stack.urls.gitlab, stack: opened.stack })}`;

  it("signs a file, which verify-bundle accepts, and no other file", async () => {
    const signed = await run("sign-bundle", await token(), "--bundle=a.json", ...services, "a.txt");
    assert.equal(signed.code, 0, signed.output);
    assert.equal((await run("verify-bundle", "--bundle=a.json", ...signer, "a.txt")).code, 0);
    assert.equal((await run("verify-bundle", "--bundle=a.json", ...signer, "b.txt")).code, 1);
  });

  it("signs a statement with --in-toto", async () => {
    const digest = hex(sha256(readFileSync(join(work, "a.txt"))));
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "a.txt", digest: { sha256: digest } }],
      predicateType: "https://example.com/said/v1",
      predicate: {},
    };
    writeFileSync(join(work, "statement.json"), JSON.stringify(statement));
    const flags = ["--staging", "--in-toto", await token(), "--bundle=s.json", ...services];
    const signed = await run("sign-bundle", ...flags, "statement.json");
    assert.equal(signed.code, 0, signed.output);
    assert.equal((await run("verify-bundle", "--bundle=s.json", ...signer, "a.txt")).code, 0);
    const bare = await run("verify-bundle", "--bundle=s.json", ...signer, `sha256:${digest}`);
    assert.equal(bare.code, 0);
    assert.equal((await run("verify-bundle", "--bundle=s.json", ...signer, "b.txt")).code, 1);
    assert.equal((await run("sign-bundle", ...flags, "a.txt")).code, 1);
  });

  it("does not take a call that it does not understand for a success", async () => {
    const verify = ["verify-bundle", "--bundle=a.json"];
    const calls: string[][] = [
      [],
      ["verify-bundle"],
      [...verify, "a.txt"],
      [...verify, ...signer, "a.txt", "b.txt"],
      [...verify, "--surprise", ...signer, "a.txt"],
      [...verify, ...signer, "nowhere.txt"],
      [...verify, ...signer, "sha256:00"],
      ["verify-bundle", "--staging", "--bundle=a.json", ...signer.slice(0, 2), "a.txt"],
      ["verify", "--bundle=a.json", ...signer, "a.txt"],
    ];
    const ended = await Promise.all(calls.map((args) => run(...args)));
    for (const [i, { code }] of ended.entries()) assert.notEqual(code, 0, calls[i]?.join(" "));
  });
});
