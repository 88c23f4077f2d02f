import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUILD_RECORD_NAME, formatBuildRecord } from "../../src/formats/build-record.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { sign } from "../../src/stages/2-sign.ts";
import { makeSdist, makeWheel, SDIST, sha256Hex, WHEEL } from "../stages/release-support.ts";
import { COMMIT, clientsOf, openStack } from "../stages/sign-support.ts";

const contents = new Map([
  [WHEEL, makeWheel()],
  [SDIST, makeSdist()],
]);

const record = formatBuildRecord({
  recordVersion: 1,
  name: "greeter",
  version: "1.0.0",
  source: { uri: "https://gitlab.example/a/b", commit: COMMIT, dirty: false, sourceDateEpoch: 1 },
  settings: { reproducible: true, metadata: {} },
  backend: { name: "hatchling.build", requires: ["hatchling"] },
  python: { version: "3.12.1", implementation: "CPython", platform: "linux" },
  resolved: [],
  startedOn: "2026-01-01T00:00:00Z",
  finishedOn: "2026-01-01T00:00:05Z",
  distributions: [...contents].map(([filename, content]) => ({
    filename,
    sha256: sha256Hex(content),
    size: content.length,
  })),
});

/**
 * A sound release in `folder/dist`, signed by a local stack of its own, and that stack's trust in
 * `folder/trust.json`. The stack goes on until `close`.
 */
export const signRelease = async (folder: string) => {
  const opened = await openStack();
  const dist = join(folder, "dist");
  await mkdir(dist, { recursive: true });
  for (const [name, content] of contents) await writeFile(join(dist, name), content);
  await writeFile(join(dist, BUILD_RECORD_NAME), record);
  await copyFile(opened.stack.trustConfig, join(folder, "trust.json"));
  const { clients } = clientsOf(opened.stack);
  unwrap(await sign({ folder: dist, trust: opened.trust }, clients));
  const { urls } = opened.stack;
  return {
    ...opened,
    dist,
    wheel: contents.get(WHEEL) ?? utf8(""),
    /** Identity and issuer that the signatures name. */
    issuer: urls.gitlab,
    san: `${urls.gitlab.replace("http:", "https:")}/local/packages//.gitlab-ci.yml@refs/heads/main`,
    without: (name: string) => rm(join(dist, name)),
  };
};

/** A token of the stack's issuer, as GitLab would put it into the job's environment. */
export const mintToken = async ({
  issuer,
  stack,
}: Pick<Awaited<ReturnType<typeof signRelease>>, "issuer" | "stack">): Promise<string> => {
  const response = await fetch(`${issuer}/wheelseal/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${stack.tokenSecret}` },
    body: JSON.stringify({ project_path: "local/packages", ref: "main", aud: "sigstore" }),
  });
  return ((await response.json()) as { token: string }).token;
};
