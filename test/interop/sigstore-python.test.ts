import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";

// sigstore-python, an implementation that shares no code with ours, signs with the local stack and
// verifies the result by the stack's ClientTrustConfig.

const SIGSTORE = "sigstore==4.5.1";

const folder = await mkdtemp(join(tmpdir(), "wheelseal-python-"));
after(() => rm(folder, { recursive: true }));

type Outcome = { readonly status: number | null; readonly output: string };

// Not synchronously: the stack answers from this very process.
const run = (program: string, ...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...process.env, HOME: folder }, cwd: folder });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += String(chunk);
      });
    }
    child.on("error", (error) => resolve({ status: null, output: error.message }));
    child.on("close", (status) => resolve({ status, output }));
  });

const install = async (): Promise<string | undefined> => {
  const venv = join(folder, "venv");
  const made = await run("python3", "-m", "venv", venv);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", SIGSTORE];
  const installed = made.status === 0 && (await run(join(venv, "bin", "python"), ...pip));
  return installed && installed.status === 0 ? join(venv, "bin", "sigstore") : undefined;
};

test("sigstore-python signs and verifies with the stack", async (context) => {
  const sigstore = await install();
  if (sigstore === undefined) return context.skip(`${SIGSTORE} cannot be installed here`);
  const stack = unwrap(await startStack({ folder: join(folder, "state"), port: 0 }));
  try {
    const artifact = join(folder, "artifact");
    const bundle = join(folder, "artifact.sigstore.json");
    await writeFile(artifact, "what is signed");
    const token = await stack.mintToken({ projectPath: "acme/widgets" });
    const trust = ["--trust-config", stack.trustConfig];
    const signing = ["sign", "--identity-token", token, "--bundle", bundle, artifact];
    const signed = await run(sigstore, ...trust, ...signing);
    assert.equal(signed.status, 0, signed.output);
    assert.ok(!signed.output.includes("Unable to use"), "it got a timestamp");
    const { host } = new URL(stack.urls.gitlab);
    const identity = `https://${host}/acme/widgets//.gitlab-ci.yml@refs/heads/main`;
    const verify = (san: string) =>
      run(
        sigstore,
        ...trust,
        ...["verify", "identity", "--bundle", bundle, "--cert-identity", san],
        ...["--cert-oidc-issuer", stack.urls.gitlab, artifact],
      );
    const good = await verify(identity);
    assert.equal(good.status, 0, good.output);
    const other = await verify(`${identity}x`);
    assert.notEqual(other.status, 0, "another identity is refused");
    await writeFile(artifact, "what is not signed");
    assert.notEqual((await verify(identity)).status, 0, "another file is refused");
  } finally {
    await stack.close();
  }
});
