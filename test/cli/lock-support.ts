import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "../../src/cli/command.ts";
import { buildTools } from "../../src/clients/build-tools.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { findPython } from "../../src/clients/python.ts";
import { listenGateway } from "../../src/consumer/gateway-listener.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { together, unsigned } from "../consumer/closure-support.ts";
import { hostileUpstream, type SignedFile, signWheel } from "../consumer/hostile-upstream.ts";
import { uvFolder } from "../consumer/real-uv.ts";
import { openStack, outside } from "../stages/sign-support.ts";
import { plainEnvironment } from "./shell.ts";

type Flags = Readonly<Record<string, string | boolean>>;

/** Options of pip that keep it from asking anybody but the index. */
export const ASKED = ["--no-cache-dir", "--disable-pip-version-check", "--no-input"];

/** A local stack, an index on a port of its own, real installers, and a folder to work in. */
export const openLocks = async () => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-lock-"));
  const python = unwrap(await findPython({ environment: process.env }));
  /** An interpreter with a pip that makes locks. */
  const tools = unwrap(await buildTools(python, process.env));
  const uv = await uvFolder(tools);
  const opened = await openStack();
  const greeter = await signWheel(opened, "greeter", "1.0.0");
  const plain = unsigned("plain", "2.0");
  const greeters = hostileUpstream("greeter");
  const plains = hostileUpstream("plain");
  const others = hostileUpstream("tiny-pkg");
  greeters.add(greeter);
  plains.add(plain);
  const fetch = together(greeters, plains, others);
  const answer = ({ url, method, headers }: Request) => fetch(url, { method, headers });
  const listener = unwrap(await listenGateway(answer, "127.0.0.1", 0));
  const index = `${listener.url}/api/v4/projects/1/packages/pypi/simple`;
  const issuer = opened.stack.urls.gitlab;
  const identity = `kind = "gitlab"\nissuer = "${issuer}"\nproject = "local/packages"`;
  const policy = `[[packages.greeter.identities]]\n${identity}\n`;
  await writeFile(join(folder, "policy.toml"), policy);
  await writeFile(join(folder, "allow.toml"), `unattested = "allow"\n${policy}`);
  const path = [uv, process.env.PATH].filter((part) => part !== undefined).join(":");

  const run = (program: string, ...args: readonly string[]) =>
    new Promise<{ code: number; output: string }>((done) => {
      const env = { ...plainEnvironment(), PIP_CONFIG_FILE: "/dev/null", UV_NO_CONFIG: "1" };
      execFile(program, args, { env, timeout: 120_000, cwd: folder }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
      );
    });

  return {
    ...{ folder, tools, uv, path, opened, greeter, plain, greeters, others, index, issuer, run },
    url: listener.url,
    /** Runs a command in this process; its output is one text. */
    wheelseal: async (
      command: Command,
      operand: string,
      flags: Flags = {},
      environment: Readonly<Record<string, string>> = {},
    ) => {
      const printed: string[] = [];
      const say = (text: string): void => void printed.push(text);
      const code = await command({
        operands: [operand],
        flags: { "index-url": index, "trust-config": opened.stack.trustConfig, ...flags },
        terminal: {
          out: say,
          err: say,
          env: { ...plainEnvironment(), ...environment, PATH: path },
          ...{ cwd: folder, live: false, colour: false, columns: 100 },
        },
        outside,
        files: systemFiles,
      });
      return { code, output: printed.join("\n") };
    },
    /** A lock that pip makes of what the index has. */
    pipLock: async (name: string, ...requirements: readonly string[]): Promise<string> => {
      const file = `pylock.${name}.toml`;
      const asked = ["--index-url", index, "--no-deps", ...requirements];
      const made = await run(tools, "-m", "pip", "lock", ...ASKED, "-o", file, ...asked);
      assert.equal(made.code, 0, made.output);
      return file;
    },
    /** A requirements file that pins these wheels. */
    requirementsOf: async (...files: readonly SignedFile[]): Promise<string> => {
      const lines = files.map(({ filename, content }) => {
        const [name, version] = filename.split("-");
        return `${name}==${version} --hash=sha256:${hex(sha256(content))}`;
      });
      await writeFile(join(folder, "requirements.txt"), lines.join("\n"));
      return "requirements.txt";
    },
    /** What a module that was installed into an environment says. */
    has: (venv: string, module: string) =>
      run(join(folder, venv, "bin", "python"), "-c", `import ${module}; print(${module}.GREETING)`),
    close: async () => {
      await listener.close();
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
