import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secret } from "../../src/clients/credentials.ts";
import { identityFromLocalStack } from "../../src/clients/identity.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { BUILD_RECORD_NAME, formatBuildRecord } from "../../src/formats/build-record.ts";
import { base64url, hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { sign } from "../../src/stages/2-sign.ts";
import { writeZip } from "../dists/zip-writer.ts";
import { COMMIT, clientsOf, type openStack, outside as world } from "../stages/sign-support.ts";

export type OpenStack = Awaited<ReturnType<typeof openStack>>;

/** The METADATA of a release. */
export const metadataOf = (name: string, version: string, more = ""): string =>
  `Metadata-Version: 2.4\nName: ${name}\nVersion: ${version}\nRequires-Python: >=3.8\n${more}\nHello.\n`;

/** A sound wheel of any name and version. */
export const wheelOf = (
  name: string,
  version: string,
  body = "GREETING = 'hello'\n",
  metadata = "",
) => {
  const info = `${name}-${version}.dist-info`;
  const files: [string, string][] = [
    [`${name}.py`, body],
    [`${info}/METADATA`, metadataOf(name, version, metadata)],
    [
      `${info}/WHEEL`,
      "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ],
  ];
  const record = files
    .map(([path, text]) => `${path},sha256=${base64url(sha256(utf8(text)))},${utf8(text).length}`)
    .concat(`${info}/RECORD,,`, "")
    .join("\n");
  return writeZip(
    [...files, [`${info}/RECORD`, record] as const].map(([path, content]) => ({
      name: path,
      content,
    })),
  );
};

/** A wheel and its evidence, by file name. */
export type SignedFile = {
  readonly filename: string;
  readonly content: Uint8Array;
  readonly evidence: ReadonlyMap<string, Uint8Array>;
};

/** Signs a wheel as a job of that project. */
export const signWheel = async (
  { stack, trust }: OpenStack,
  name: string,
  version: string,
  { project = "local/packages", body = "GREETING = 'hello'\n", metadata = "" } = {},
): Promise<SignedFile> => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-gateway-sign-"));
  const filename = `${name}-${version}-py3-none-any.whl`;
  const content = wheelOf(name, version, body, metadata);
  await writeFile(join(folder, filename), content);
  const record = formatBuildRecord({
    recordVersion: 1,
    name,
    version,
    source: { uri: "https://gitlab.example/a/b", commit: COMMIT, dirty: false, sourceDateEpoch: 1 },
    settings: { reproducible: true, metadata: {} },
    backend: { name: "hatchling.build", requires: ["hatchling"] },
    python: { version: "3.12.1", implementation: "CPython", platform: "linux" },
    resolved: [],
    startedOn: "2026-01-01T00:00:00Z",
    finishedOn: "2026-01-01T00:00:05Z",
    distributions: [{ filename, sha256: hex(sha256(content)), size: content.length }],
  });
  await writeFile(join(folder, BUILD_RECORD_NAME), record);
  const job = { project_path: project, ref: "main", sha: COMMIT };
  const issuer = { url: stack.urls.gitlab, secret: secret(stack.tokenSecret), job };
  const identity = identityFromLocalStack(issuer, { audience: "sigstore", now: world.now }, world);
  unwrap(await sign({ folder, trust }, clientsOf(stack, { identity }).clients));
  const evidence = new Map<string, Uint8Array>();
  for (const one of await readdir(folder)) {
    if (one.startsWith(`${filename}.`)) {
      evidence.set(one, new Uint8Array(await readFile(join(folder, one))));
    }
  }
  await rm(folder, { recursive: true });
  return { filename, content, evidence };
};

export const INDEX = "http://upstream.test/api/v4/projects/1/packages/pypi/simple";

/** An upstream that does as it is told. */
export const hostileUpstream = (name = "greeter") => {
  const files = new Map<string, SignedFile>();
  const requests: Request[] = [];
  const upstream = {
    files,
    requests,
    /** Changes of what the page says about a file. */
    says: new Map<string, object>(),
    /** Answers instead of the upstream, where it gives one. */
    instead: (_request: Request): Response | undefined => undefined,
    add: (file: SignedFile) => files.set(file.filename, file),
    fetch: (async (input, init) => {
      const request = new Request(input, init);
      requests.push(request);
      return upstream.instead(request) ?? answer(request);
    }) as Outside["fetch"],
  };
  const answer = (request: Request): Response => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith(`/pypi/simple/${name}/`)) return page();
    const last = decodeURIComponent(pathname.split("/").at(-1) ?? "");
    for (const file of files.values()) {
      const found = file.filename === last ? file.content : file.evidence.get(last);
      if (found !== undefined) return new Response(new Uint8Array(found));
    }
    return new Response("no", { status: 404 });
  };
  const page = (): Response =>
    new Response(
      JSON.stringify({
        meta: { "api-version": "1.3" },
        name,
        files: [...files.values()].map(({ filename, content }) => ({
          filename,
          url: `../../files/${filename}`,
          hashes: { sha256: hex(sha256(content)) },
          size: content.length,
          "requires-python": ">=3.8",
          "upload-time": "2026-01-01T00:00:00Z",
          ...upstream.says.get(filename),
        })),
      }),
      { headers: { "content-type": "application/vnd.pypi.simple.v1+json" } },
    );
  return upstream;
};

export type HostileUpstream = ReturnType<typeof hostileUpstream>;

export const OWN_PROJECT = (issuer: string) => ({
  packages: {
    greeter: { identities: [{ kind: "gitlab", issuer, project: "local/packages" }] },
  },
});
