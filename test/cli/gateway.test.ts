import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type OpenStack, signWheel } from "../consumer/hostile-upstream.ts";
import { openStack } from "../stages/sign-support.ts";
import { main, openShell, plainEnvironment, type Shell } from "./shell.ts";

let shell: Shell;
let opened: OpenStack;

before(async () => {
  shell = openShell();
  opened = await openStack();
});
after(async () => {
  await opened.close();
  rmSync(shell.folder, { recursive: true, force: true });
});

/** Publishes a signed wheel in the local stack's private registry. */
const publish = async () => {
  const { stack } = opened;
  const { filename, content, evidence } = await signWheel(opened, "greeter", "1.0.0");
  const packages = `${stack.urls.gitlab}/api/v4/projects/1/packages`;
  const login = Buffer.from(`gitlab-ci-token:${stack.jobToken}`).toString("base64");
  const headers = { authorization: `Basic ${login}` };
  const form = new FormData();
  form.append("name", "greeter");
  form.append("version", "1.0.0");
  form.append("requires_python", ">=3.8");
  form.append("content", new Blob([new Uint8Array(content)]), filename);
  const uploaded = await fetch(`${packages}/pypi`, { method: "POST", body: form, headers });
  assert.equal(uploaded.status, 201, await uploaded.text());
  for (const [name, bytes] of evidence) {
    const url = `${packages}/generic/greeter/1.0.0/${name}`;
    const body = new Uint8Array(bytes);
    assert.equal((await fetch(url, { method: "PUT", body, headers })).status, 201);
  }
  return { packages, filename, size: content.length };
};

test("a gateway before a private registry serves what verified until it is ended", async () => {
  const { packages, filename, size } = await publish();
  const { stack } = opened;
  writeFileSync(
    join(shell.folder, "gateway.toml"),
    `[[upstreams]]
name = "own"
index = "${packages}/pypi/simple"
username = "gitlab-ci-token"
password-env = "THE_PASSWORD"
owns = ["greeter"]

[[policy.packages.greeter.identities]]
kind = "gitlab"
issuer = "${stack.urls.gitlab}"
project = "local/packages"
`,
  );
  const flags = ["--config", "gateway.toml", "--state", "state", "--json"];
  const args = ["--disable-warning=ExperimentalWarning", main, "gateway", ...flags];
  const child = spawn(process.execPath, [...args, "--trust-config", stack.trustConfig], {
    cwd: shell.folder,
    env: { ...plainEnvironment(), THE_PASSWORD: stack.jobToken },
  });
  let logged = "";
  child.stderr.on("data", (text) => {
    logged += text;
  });
  const ended = new Promise((done) => child.once("close", done));
  const line = await new Promise<string>((done) =>
    child.stdout.once("data", (text) => done(String(text))),
  );
  const { index } = JSON.parse(line);
  assert.match(index, /^http:\/\/127\.0\.0\.1:\d+\/simple\/$/);
  const accept = { headers: { accept: "application/vnd.pypi.simple.v1+json" } };
  const page = await (await fetch(`${index}greeter/`, accept)).json();
  const [file] = (page as { files: { url: string; filename: string }[] }).files;
  assert.equal(file?.filename, filename);
  const answer = await fetch(new URL(file?.url ?? "", `${index}greeter/`));
  assert.equal(answer.status, 200, answer.statusText);
  assert.equal((await answer.arrayBuffer()).byteLength, size);
  assert.equal((await fetch(new URL("/readyz", index))).status, 200);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
  const lines = logged.trim().split("\n");
  const accepted = lines.map((one) => JSON.parse(one)).find(({ event }) => event === "accepted");
  assert.equal(accepted?.level, "info");
  assert.match(accepted.time, /^20\d\d-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal("pid" in accepted || "hostname" in accepted, false);
  assert.ok(!logged.includes(stack.jobToken));
  const audit = shell.run("wheelseal gateway audit --state state --format csv");
  assert.equal(audit.code, 0);
  assert.match(audit.output, /,accepted,,greeter,greeter-1\.0\.0-py3-none-any\.whl,DIGEST,/);
});

const refused: [string, string, number][] = [
  ["wheelseal gateway", "USAGE", 2],
  ["wheelseal gateway start --config gateway.toml", "USAGE", 2],
  ["wheelseal gateway --config absent.toml", "FILE_UNREADABLE", 1],
  ["wheelseal gateway --config bad.toml", "CONFIG", 2],
  ["wheelseal gateway --config nopassword.toml", "CONFIG", 2],
  ["wheelseal gateway --config nopassword.toml --port x", "USAGE", 2],
  ["wheelseal gateway audit --format xml", "USAGE", 2],
  ["wheelseal gateway audit --state postgres://u:hunter2@localhost/x", "STATE_PASSWORD", 2],
  ["wheelseal gateway audit --state postgres://u@localhost:1/x", "STATE_UNREACHABLE", 3],
  ["wheelseal gateway audit --state x --store y", "USAGE", 2],
];
for (const [line, code, exit] of refused) {
  test(`${line} fails with ${code}`, () => {
    const upstream = '[[upstreams]]\nname = "a"\nindex = "https://a.test/simple"\nowns = ["x"]\n';
    writeFileSync(join(shell.folder, "bad.toml"), `${upstream}own = ["y"]\n`);
    const login = 'username = "u"\npassword-env = "WS_NOBODY_SET_THIS"\n';
    writeFileSync(join(shell.folder, "nopassword.toml"), `${upstream}${login}`);
    const { output, code: actual } = shell.run(line);
    assert.match(output, new RegExp(`error\\[${code}\\]`));
    assert.doesNotMatch(output, /hunter2/);
    assert.equal(actual, exit);
  });
}
