import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secret } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { fulcioAt } from "../../src/clients/fulcio.ts";
import { identityFromLocalStack } from "../../src/clients/identity.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { rekorAt } from "../../src/clients/rekor.ts";
import { timestampAuthorityAt } from "../../src/clients/tsa.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { systemRandom } from "../../src/crypto/random.ts";
import {
  BUILD_RECORD_NAME,
  type BuildRecord,
  formatBuildRecord,
} from "../../src/formats/build-record.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { parseClientTrustConfig } from "../../src/formats/client-trust-config.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { type Stack, startStack } from "../../src/services/server.ts";
import { type SignClients, type SignInput, sign } from "../../src/stages/2-sign.ts";
import type { StageEvent } from "../../src/stages/events.ts";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const WHEEL = "greeter-1.0-py3-none-any.whl";
export const SDIST = "greeter-1.0.tar.gz";

/** The real clock, network and randomness, without waiting between attempts. */
export const outside: Outside = {
  fetch: globalThis.fetch,
  now: () => Date.now(),
  sleep: async () => undefined,
  random: systemRandom,
};

export const openStack = async () => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-stack-"));
  const stack = unwrap(await startStack({ folder }));
  const config = unwrap(parseClientTrustConfig(new Uint8Array(await readFile(stack.trustConfig))));
  return {
    stack,
    trust: config.trustedRoot,
    close: async () => {
      await stack.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const CONTENT = new Map([
  [WHEEL, utf8("a wheel")],
  [SDIST, utf8("an sdist")],
]);

const recordOf = (commit: string): BuildRecord => ({
  recordVersion: 1,
  name: "greeter",
  version: "1.0",
  source: {
    uri: "https://gitlab.example/local/packages",
    commit,
    dirty: false,
    sourceDateEpoch: 1,
  },
  settings: { reproducible: true, metadata: {} },
  backend: { name: "hatchling.build", requires: ["hatchling"] },
  python: { version: "3.12.1", implementation: "CPython", platform: "linux" },
  resolved: [{ name: "Trove_Classifiers", version: "2025.1+x" }],
  startedOn: "2026-01-01T00:00:00Z",
  finishedOn: "2026-01-01T00:00:05Z",
  distributions: [...CONTENT].map(([filename, content]) => ({
    filename,
    sha256: hex(sha256(content)),
    size: content.length,
  })),
});

/** A folder as the build leaves it, removed by `remove`. */
export const builtFolder = async ({ record = true, commit = COMMIT } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-sign-"));
  for (const [name, content] of CONTENT) await writeFile(join(folder, name), content);
  if (record) await writeFile(join(folder, BUILD_RECORD_NAME), formatBuildRecord(recordOf(commit)));
  return {
    folder,
    names: async () => (await readdir(folder)).sort(),
    read: async (name: string) => new Uint8Array(await readFile(join(folder, name))),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** Clients of a running stack; `changes` replaces some, and `events` sees all that is reported. */
export const clientsOf = (
  stack: Stack,
  changes: Partial<SignClients> = {},
  world: Outside = outside,
) => {
  const events: StageEvent[] = [];
  const issuer = {
    url: stack.urls.gitlab,
    secret: secret(stack.tokenSecret),
    job: { project_path: "local/packages", ref: "main", sha: COMMIT },
  };
  const clients: SignClients = {
    identity: identityFromLocalStack(issuer, { audience: "sigstore", now: world.now }, world),
    fulcio: fulcioAt(stack.urls.fulcio, world),
    rekor: rekorAt(stack.urls.rekor, world),
    tsa: timestampAuthorityAt(stack.urls.tsa, world),
    files: systemFiles,
    now: world.now,
    report: (event) => events.push(event),
    ...changes,
  };
  return { clients, events };
};

type Opened = Awaited<ReturnType<typeof openStack>>;

export type SignCase = Partial<Omit<SignInput, "folder">> & {
  readonly clients?: Partial<SignClients>;
  readonly world?: Outside;
  readonly record?: boolean;
  readonly commit?: string;
  readonly change?: (folder: string) => Promise<unknown>;
};

/** Signs a fresh folder with this stack, and gives what came out and what was left. */
export const signFreshWith =
  ({ stack, trust }: Opened) =>
  async ({ clients, world, record, commit, change, ...input }: SignCase = {}) => {
    const dist = await builtFolder({
      ...(record === undefined ? {} : { record }),
      ...(commit === undefined ? {} : { commit }),
    });
    await change?.(dist.folder);
    const before = await dist.names();
    const made = clientsOf(stack, clients, world);
    const result = await sign({ folder: dist.folder, trust, ...input }, made.clients);
    const again = (changes: Partial<SignInput> = {}) =>
      sign({ folder: dist.folder, trust, ...input, ...changes }, clientsOf(stack).clients);
    return { ...dist, ...made, result, again, left: await dist.names(), before };
  };

export const codeOf = (result: Result<unknown>) => (result.ok ? "ok" : result.error.code);

/** The network, with some answers changed on their way. */
export const changing = (
  path: string,
  change: (response: Response, request: Request) => Promise<Response> | Response,
): Outside => ({
  ...outside,
  fetch: async (input, init) => {
    const request = new Request(input, init);
    const copy = request.clone();
    const response = await fetch(request);
    return new URL(copy.url).pathname.startsWith(path) ? change(response, copy) : response;
  },
});
