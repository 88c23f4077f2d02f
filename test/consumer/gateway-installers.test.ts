import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type GatewayListener, listenGateway } from "../../src/consumer/gateway-listener.ts";
import { unwrap } from "../../src/formats/result.ts";
import { plainEnvironment } from "../cli/shell.ts";
import { openStack } from "../stages/sign-support.ts";
import { gatewayFor } from "./gateway-support.ts";
import {
  hostileUpstream,
  type OpenStack,
  type SignedFile,
  signWheel,
  wheelOf,
} from "./hostile-upstream.ts";

let opened: OpenStack;
let folder: string;
let first: SignedFile;
let gate: Awaited<ReturnType<typeof gatewayFor>>;
let listener: GatewayListener;
const upstream = hostileUpstream();

const run = (program: string, ...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((done) => {
    const env = { ...plainEnvironment(), PIP_CONFIG_FILE: "/dev/null", UV_NO_CONFIG: "1" };
    execFile(program, args, { env, timeout: 120_000 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    );
  });

const python = () => join(folder, "venv", "bin", "python");
const index = () => `${listener.url}/simple`;

const pip = (...requirements: string[]) =>
  run(
    ...([python(), "-m", "pip", "install", "--no-cache-dir", "--no-deps"] as const),
    ...["--disable-pip-version-check", "--index-url", index(), "--retries", "0", ...requirements],
  );

const uv = (...requirements: string[]) =>
  run(
    ...(["uv", "pip", "install", "--no-cache", "--no-deps", "--python", python()] as const),
    ...["--index-url", index(), ...requirements],
  );

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-installers-"));
  const venv = await run("python3", "-m", "venv", join(folder, "venv"));
  assert.equal(venv.code, 0, venv.output);
  opened = await openStack();
  first = await signWheel(opened, "greeter", "1.0.0");
  upstream.add(first);
  gate = await gatewayFor(opened, upstream);
  listener = unwrap(await listenGateway(gate.gateway, "127.0.0.1", 0));
});
after(async () => {
  await listener?.close();
  await gate?.remove();
  await opened?.close();
  await rm(folder, { recursive: true, force: true });
});

const tampered = { content: wheelOf("greeter", "2.0.0", "import os\n") };

const installers: [string, (...requirements: string[]) => ReturnType<typeof run>][] = [
  ["pip", pip],
  ["uv", uv],
];

for (const [name, install] of installers) {
  test(`${name} installs what verified, and shows why it does not get the rest`, async (context) => {
    if ((await run(name === "uv" ? "uv" : python(), "--version")).code !== 0) {
      context.skip(`${name} is not on this machine`);
      return;
    }
    const good = await install("greeter==1.0.0");
    assert.equal(good.code, 0, good.output);
    const imported = await run(python(), "-c", "import greeter; print(greeter.GREETING)");
    assert.match(imported.output, /^hello/);
    const filename = "greeter-2.0.0-py3-none-any.whl";
    const evidence = [...first.evidence].map(
      ([file, bytes]) => [file.replace("1.0.0", "2.0.0"), bytes] as const,
    );
    upstream.add({ ...tampered, filename, evidence: new Map(evidence) });
    const bad = await install("--upgrade", "greeter");
    assert.notEqual(bad.code, 0, bad.output);
    assert.match(bad.output, /403/);
    assert.match(bad.output, /SIGNATURE_DIGEST/);
    const still = await run(python(), "-m", "pip", "show", "greeter");
    assert.match(still.output, /Version: 1\.0\.0/);
    upstream.files.delete(filename);
    await run(python(), "-m", "pip", "uninstall", "-qy", "greeter");
  });
}

test("on loopback, another Host is not answered", async () => {
  const { request } = await import("node:http");
  const { port } = new URL(listener.url);
  const status = await new Promise((done) =>
    request(
      { host: "127.0.0.1", port, path: "/simple/", headers: { host: "evil.test" } },
      (response) => {
        response.resume();
        done(response.statusCode);
      },
    ).end(),
  );
  assert.equal(status, 421);
});
