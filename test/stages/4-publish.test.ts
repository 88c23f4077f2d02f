import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, test } from "node:test";
import { inspectDistribution } from "../../src/clients/archive.ts";
import { type RegistryAuth, secret } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { simpleIndex } from "../../src/clients/simple-index.ts";
import { uploadTarget } from "../../src/clients/upload.ts";
import { unwrap } from "../../src/formats/result.ts";
import { publish } from "../../src/stages/4-publish.ts";
import {
  asJob,
  JOB_TOKEN,
  PACKAGES,
  testRegistry,
  uploadForm,
} from "../services/registry-support.ts";
import { makeWheel, releaseFolder, SDIST, sha256Hex, WHEEL } from "./release-support.ts";

const job = (token: string): RegistryAuth => ({
  kind: "basic",
  username: "gitlab-ci-token",
  password: secret(token),
});

let registry: ReturnType<typeof testRegistry>;
let release: ReturnType<typeof releaseFolder>;
beforeEach(() => {
  registry = testRegistry();
  release = releaseFolder();
});
afterEach(() => {
  registry.remove();
  release.remove();
});

const run = (
  distributions = release.verified,
  outside: Outside = registry.outside,
  auth = job(JOB_TOKEN),
) =>
  publish(
    { distributions },
    {
      files: systemFiles,
      target: uploadTarget(outside, { url: `${PACKAGES}/pypi`, auth }),
      index: simpleIndex(outside, { url: `${PACKAGES}/pypi/simple`, auth }),
      inspect: inspectDistribution,
      now: () => 0,
      report: release.report,
    },
  );

const codeOf = async (result: ReturnType<typeof run>) => {
  const ended = await result;
  assert.ok(!JSON.stringify([ended, release.events]).includes(JOB_TOKEN));
  return ended.ok ? "ok" : ended.error.code;
};

const posts = () => registry.requests.filter((request) => request.method === "POST").length;

test("uploads each file, and again nothing", async () => {
  const first = unwrap(await run());
  assert.deepEqual(
    first.files.map(({ filename, outcome }) => [filename, outcome]),
    [
      [WHEEL, "uploaded"],
      [SDIST, "uploaded"],
    ],
  );
  const page = await registry.fetch("pypi/simple/greeter");
  const html = await page.text();
  for (const { sha256, filename } of release.verified)
    assert.ok(html.includes(`${filename}#sha256=${sha256}`));
  assert.ok(html.includes('data-core-metadata="sha256='));
  const sent = posts();
  const second = unwrap(await run());
  assert.deepEqual(
    second.files.map((file) => file.outcome),
    ["present", "present"],
  );
  assert.equal(posts(), sent);
  assert.deepEqual(release.events.map((event) => event.kind).slice(0, 4), [
    "started",
    "progress",
    "progress",
    "finished",
  ]);
});

test("an answer that is lost is not an upload that failed", async () => {
  let lost = false;
  const outside: Outside = {
    ...registry.outside,
    fetch: async (input, init) => {
      const answer = await registry.outside.fetch(input, init);
      if (init?.method !== "POST" || lost) return answer;
      lost = true;
      throw new TypeError("fetch failed");
    },
  };
  const outcome = unwrap(await run(release.verified, outside));
  assert.deepEqual(
    outcome.files.map((file) => file.outcome),
    ["present", "uploaded"],
  );
});

describe("refuses", () => {
  test("nothing to upload", async () => assert.equal(await codeOf(run([])), "DIST_EMPTY"));

  test("a file that changed after it was verified, before anything is sent", async () => {
    appendFileSync(`${release.folder}/${SDIST}`, "x");
    assert.equal(await codeOf(run()), "DIST_CHANGED");
    assert.equal(posts(), 0);
  });

  test("another content under a published name, before anything is sent", async () => {
    const body = uploadForm({}, "an older build", SDIST);
    await registry.fetch("pypi", { method: "POST", body, headers: asJob });
    assert.equal(await codeOf(run()), "UPLOAD_CONFLICT");
    assert.equal(posts(), 0);
  });

  test("a wheel that is none, though it was pinned", async () => {
    const [wheel] = release.verified;
    const broken = makeWheel("changed").slice(0, 100);
    writeFileSync(wheel!.path, broken);
    const pinned = [{ ...wheel!, sha256: sha256Hex(broken) }];
    assert.equal(await codeOf(run(pinned)), "DIST_ZIP");
  });

  const statuses: [number, string, string][] = [
    [401, "", "REGISTRY_AUTH"],
    [403, "", "REGISTRY_FORBIDDEN"],
    [404, "", "REGISTRY_NOT_FOUND"],
    [400, "Version is invalid", "UPLOAD_REFUSED"],
    [400, "File name has already been taken", "UPLOAD_CONFLICT"],
    [409, "", "UPLOAD_CONFLICT"],
    [503, "", "NETWORK_UNREACHABLE"],
    [302, "", "NETWORK_RESPONSE"],
  ];
  for (const [status, words, code] of statuses) {
    test(`an upload answered with ${status} ${words}`, async () => {
      const outside: Outside = {
        ...registry.outside,
        fetch: async (input, init) =>
          init?.method === "POST"
            ? new Response(`${words} ${JOB_TOKEN} ${asJob.authorization}`, {
                status,
                headers: { location: "https://elsewhere.test/" },
              })
            : registry.outside.fetch(input, init),
      };
      assert.equal(await codeOf(run(release.verified, outside)), code);
    });
  }

  test("bad credentials", async () => {
    assert.equal(
      await codeOf(run(release.verified, registry.outside, job("bad"))),
      "REGISTRY_AUTH",
    );
  });
});
