import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wheelOf } from "../consumer/hostile-upstream.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const MAIN = ["--disable-warning=ExperimentalWarning", join(REPOSITORY, "src/cli/main.ts")];
const ENV = { ...process.env, NODE_TEST_CONTEXT: "" };

/** A command that serves until it is ended: its process, and the JSON line that it printed first. */
const serve = async (cwd: string, args: readonly string[], env: Record<string, string> = {}) => {
  const child: ChildProcess = spawn(process.execPath, [...MAIN, ...args, "--json"], {
    cwd,
    env: { ...ENV, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  const line = await new Promise<string>((done, failed) => {
    child.stdout?.once("data", (text) => done(String(text)));
    child.once("close", () => failed(new Error(said)));
  });
  const stop = (): Promise<unknown> => {
    const closed = new Promise((done) => child.once("close", done));
    child.kill("SIGTERM");
    return closed;
  };
  return { started: JSON.parse(line), stop };
};

const run = (cwd: string, ...args: string[]): Promise<number | null> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [...MAIN, ...args], { cwd, env: ENV, stdio: "ignore" });
    child.once("close", done);
  });

const HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>";

/** A local stack, a project to send through it, and a gateway before its registry. */
export const openScene = async () => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-console-"));
  const project = join(folder, "greeter");
  const filter = (path: string): boolean => !path.endsWith("/dist");
  await cp(join(REPOSITORY, "examples/greeter"), project, { recursive: true, filter });
  const state = join(folder, "state");
  const stack = await serve(folder, ["up", "--state", state]);
  const { urls, trustConfig } = stack.started;
  const packages = `${urls.gitlab}/api/v4/projects/1/packages`;
  const token = readFileSync(join(state, "job-token"), "utf8").trim();
  const login = Buffer.from(`gitlab-ci-token:${token}`).toString("base64");
  const headers = { authorization: `Basic ${login}` };

  /** Uploads a wheel that nobody signed, whose metadata attacks whoever shows it. */
  const uploadUnsigned = async (name: string): Promise<number> => {
    const form = new FormData();
    const content = wheelOf(name, "6.6.6", HOSTILE, `Summary: ${HOSTILE}\n`);
    form.append("name", name);
    form.append("version", "6.6.6");
    form.append("requires_python", ">=3.8");
    form.append("content", new Blob([new Uint8Array(content)]), `${name}-6.6.6-py3-none-any.whl`);
    return (await fetch(`${packages}/pypi`, { method: "POST", body: form, headers })).status;
  };
  const gateway = async () => {
    const home = join(folder, "gateway");
    await mkdir(home, { recursive: true });
    writeFileSync(
      join(home, "gateway.toml"),
      `[[upstreams]]
name = "own"
index = "${packages}/pypi/simple"
generic = "${packages}/generic"
username = "gitlab-ci-token"
password-env = "THE_PASSWORD"
owns = ["wheelseal-greeter", "unsigned"]

[policy.packages]
${["wheelseal-greeter", "unsigned"]
  .map(
    (name) => `[[policy.packages.${name}.identities]]
kind = "gitlab"
issuer = "${urls.gitlab}"
project = "local/packages"
`,
  )
  .join("\n")}
[[policy.waivers]]
package = "wheelseal-greeter"
waives = ["provenance"]
reason = "the old builder wrote none"
owner = "release team"
expires = "2030-01-31"
`,
    );
    const flags = ["--config", "gateway.toml", "--state", "memory", "--trust-config", trustConfig];
    const served = await serve(home, ["gateway", ...flags], { THE_PASSWORD: token });
    const origin = new URL(served.started.index).origin;
    /** Asks for all files of a package as an installer does. */
    const install = async (name: string): Promise<number[]> => {
      const accept = { headers: { accept: "application/vnd.pypi.simple.v1+json" } };
      const page = await (await fetch(`${origin}/simple/${name}/`, accept)).json();
      const { files } = page as { files: { url: string }[] };
      const answers = files.map(async ({ url }) => {
        const answer = await fetch(new URL(url, `${origin}/simple/${name}/`));
        await answer.arrayBuffer();
        return answer.status;
      });
      return Promise.all(answers);
    };
    return { console: `${origin}/console/`, install, stop: served.stop };
  };
  return {
    console: `${urls.gitlab}/console/`,
    /** The six stages, to the end. */
    pipeline: () => run(folder, "pipeline", "greeter", "--profile", "local", "--state", state),
    /** Changes the project and sends it through again, as another version. */
    release: (version: string) => {
      const file = join(project, "pyproject.toml");
      writeFileSync(
        file,
        readFileSync(file, "utf8").replace(/^version = .*$/m, `version = "${version}"`),
      );
      return run(folder, "pipeline", "greeter", "--profile", "local", "--state", state);
    },
    uploadUnsigned,
    gateway,
    /** The digest of the wheel that was built. */
    wheelDigest: (): string => {
      const found = spawnSync("sh", ["-c", "ls greeter/dist/*.whl"], {
        cwd: folder,
        encoding: "utf8",
      });
      const wheel = join(folder, found.stdout.trim().split("\n")[0] ?? "");
      return createHash("sha256").update(readFileSync(wheel)).digest("hex");
    },
    close: async () => {
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
