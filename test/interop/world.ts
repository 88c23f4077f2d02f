import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ExecOptions, exec, type Outcome } from "./exec.ts";
import type { Found } from "./install.ts";
import { PEERS, type PeerId, programOf } from "./peers.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = join(REPOSITORY, "src", "cli", "main.ts");

/** The running stack, as another program finds it: by its URLs and files. */
export type RunningStack = {
  readonly urls: {
    readonly gitlab: string;
    readonly fulcio: string;
    readonly ctlog: string;
    readonly rekor: string;
    readonly tsa: string;
    readonly tuf: string;
  };
  readonly trustConfig: string;
  readonly state: string;
  readonly jobToken: string;
  readonly close: () => Promise<void>;
};

/** A release of examples/greeter that `wheelseal` built and signed once, and that no check changes. */
export type Release = { readonly folder: string; readonly wheel: string; readonly sdist: string };

export type World = {
  /** A folder of this check alone. */
  readonly folder: string;
  readonly stack: RunningStack;
  readonly release: Release;
  /** The identity and issuer of the tokens of {@link World.token}. */
  readonly identity: string;
  readonly issuer: string;
  /** The project that the registry knows: its PyPI API, and its generic packages. */
  readonly pypi: string;
  readonly generic: string;
  /** The stack's trust files, as `wheelseal trust export` wrote them. */
  readonly trust: (name: string) => string;
  /** An id_token of the project's job; from the command line, or with other claims from the issuer. */
  readonly token: (claims?: Readonly<Record<string, unknown>>) => Promise<string>;
  /** Path of a program of a peer. */
  readonly program: (id: PeerId, name?: string) => string;
  /** Loads an npm peer, or what it brought along. */
  readonly load: (id: PeerId, module?: string) => unknown;
  /** Runs a program with nothing of this process's CI, Sigstore or registry settings. */
  readonly run: (
    program: string,
    args: readonly string[],
    options?: ExecOptions,
  ) => Promise<Outcome>;
  /** Runs this working tree's `wheelseal`. */
  readonly wheelseal: (args: readonly string[], options?: ExecOptions) => Promise<Outcome>;
};

/** Variables that would change what a peer or we do. */
const UNSET =
  /^(CI|CI_.*|GITLAB_.*|SIGSTORE_.*|COSIGN_.*|TUF_.*|REKOR_.*|FULCIO_.*|TSA_.*|TWINE_.*|UV_.*|WHEELSEAL_.*|PACKAGE_.*|GENERIC_.*|CERTIFICATE_.*|INTEROP_.*|npm_.*|VIRTUAL_ENV)$/i;

const cleanEnvironment = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !UNSET.test(name)));

const ours =
  (cwd: string) =>
  (args: readonly string[], options: ExecOptions = {}): Promise<Outcome> =>
    exec(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
      cwd,
      ...options,
      env: { ...cleanEnvironment(), NO_COLOR: "1", ...options.env },
    });

/** Starts the stack as a user does, as a process of its own, and waits until it says it is up. */
export const startStack = async (state: string): Promise<RunningStack> => {
  const args = ["--disable-warning=ExperimentalWarning", MAIN, "up", "--state", state, "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  for await (const line of createInterface({ input: child.stdout })) {
    const { urls, trustConfig } = JSON.parse(line);
    const jobToken = (await readFile(join(state, "job-token"), "utf8")).trim();
    const close = async () => {
      child.kill("SIGTERM");
      await ended;
    };
    return { urls, trustConfig, state, jobToken, close };
  }
  throw new Error("the stack ended before it was up");
};

/** Builds and signs the release that the checks are about. */
export const makeRelease = async (folder: string, stack: RunningStack): Promise<Release> => {
  const dist = join(folder, "dist");
  const wheelseal = ours(folder);
  const example = join(REPOSITORY, "examples", "greeter");
  succeeded(await wheelseal(["build", example, "--out", dist], { timeout: 300_000 }));
  const profile = ["--profile", "local", "--state", stack.state];
  succeeded(await wheelseal(["sign", dist, ...profile]));
  const record = JSON.parse(await readFile(join(dist, "wheelseal-build.json"), "utf8"));
  const names: string[] = record.distributions.map((made: { filename: string }) => made.filename);
  const wheel = names.find((name) => name.endsWith(".whl"));
  const sdist = names.find((name) => name.endsWith(".tar.gz"));
  assert.ok(wheel !== undefined && sdist !== undefined, "a wheel and an sdist were built");
  return { folder: dist, wheel, sdist };
};

const mintToken = async (
  { state, urls }: RunningStack,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const secret = await readFile(join(state, "token-secret"), "utf8");
  const answer = await fetch(`${urls.gitlab}/wheelseal/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secret.trim()}` },
    body: JSON.stringify({ project_path: "local/packages", ref: "main", ...claims }),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text).token;
};

/** The world of one check, with a folder of its own below `root`. */
export const openWorld = async (
  root: string,
  name: string,
  given: {
    readonly stack: RunningStack;
    readonly release: Release;
    readonly found: ReadonlyMap<PeerId, Found>;
  },
): Promise<World> => {
  const { stack, release, found } = given;
  const folder = join(root, name);
  const home = join(folder, "home");
  await mkdir(home, { recursive: true });
  const wheelseal = ours(folder);
  const placeOf = (id: PeerId): string => {
    const at = found.get(id);
    if (at === undefined || "missing" in at) throw new Error(`${id} is not installed`);
    return at.folder;
  };
  const base = `${stack.urls.gitlab}/api/v4/projects/1/packages`;
  return {
    folder,
    stack,
    release,
    issuer: stack.urls.gitlab,
    identity: `https://${new URL(stack.urls.gitlab).host}/local/packages//.gitlab-ci.yml@refs/heads/main`,
    pypi: `${base}/pypi`,
    generic: `${base}/generic`,
    trust: (file) => join(stack.state, "trust", file),
    token: async (claims) =>
      claims === undefined
        ? succeeded(await wheelseal(["token", "--state", stack.state])).stdout.trim()
        : mintToken(stack, claims),
    load: (id, module = id) => createRequire(join(placeOf(id), "package.json"))(module),
    program: (id, program) => {
      const { source } = PEERS[id];
      const folder = placeOf(id);
      if (source.kind === "npm") return join(folder, "node_modules", ".bin", program ?? id);
      if (source.kind === "go") {
        const [first = ""] = source.packages;
        return join(folder, program ?? programOf(source, first));
      }
      return join(folder, program ?? source.program);
    },
    run: (program, args, options = {}) =>
      exec(program, args, {
        cwd: folder,
        ...options,
        env: { ...cleanEnvironment(), HOME: home, NO_COLOR: "1", ...options.env },
      }),
    wheelseal,
  };
};

/** The outcome, which must be a success. */
export const succeeded = (outcome: Outcome): Outcome => {
  assert.equal(outcome.code, 0, `exit code ${outcome.code}:\n${outcome.output.slice(-4000)}`);
  return outcome;
};

/** The outcome must be a refusal, for the reason that is meant and not by accident. */
export const refused = (outcome: Outcome, reason: RegExp): Outcome => {
  const { code, output } = outcome;
  assert.ok(code !== 0 && code !== null, `it was not refused:\n${output.slice(-4000)}`);
  assert.match(output, reason);
  return outcome;
};

/** What `wheelseal` is told to verify `file` by, as an outsider: the trust file and the identity. */
export const expectIdentity = (world: World): string[] => [
  ...["--trust-config", world.stack.trustConfig],
  ...["--certificate-identity", world.identity],
  ...["--certificate-oidc-issuer", world.issuer],
];
