import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { secret } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { genericPackage } from "../../src/clients/generic.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { evidenceNames } from "../../src/formats/evidence.ts";
import { unwrap } from "../../src/formats/result.ts";
import { publishSignatures } from "../../src/stages/5-publish-signatures.ts";
import { JOB_TOKEN, PACKAGES, testRegistry } from "../services/registry-support.ts";
import { releaseFolder, SDIST, WHEEL } from "./release-support.ts";

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
  outside: Outside = registry.outside,
  filenames = [WHEEL, SDIST],
  token = JOB_TOKEN,
  excused: readonly string[] = [],
) => {
  const auth = { kind: "header", name: "JOB-TOKEN", token: secret(token) } as const;
  return publishSignatures(
    { folder: release.folder, filenames, excused },
    {
      files: systemFiles,
      registry: genericPackage(outside, { url: `${PACKAGES}/generic/greeter/1.0.0`, auth }),
      now: () => 0,
      report: release.report,
    },
  );
};

test("what is served and vouches for the file is kept; what does not is replaced", async () => {
  unwrap(await run());
  for (const name of [WHEEL, SDIST])
    writeFileSync(`${release.folder}/${evidenceNames(name).bundle}`, "anew");
  const auth = { kind: "header", name: "JOB-TOKEN", token: secret(JOB_TOKEN) } as const;
  const again = await publishSignatures(
    { folder: release.folder, filenames: [WHEEL, SDIST] },
    {
      files: systemFiles,
      registry: genericPackage(registry.outside, {
        url: `${PACKAGES}/generic/greeter/1.0.0`,
        auth,
      }),
      vouched: async (filename) => filename === WHEEL,
      now: () => 0,
      report: release.report,
    },
  );
  const outcomes = unwrap(again).files.filter(({ outcome }) => outcome !== "present");
  assert.deepEqual(outcomes, [
    { filename: evidenceNames(WHEEL).bundle, outcome: "kept" },
    { filename: evidenceNames(SDIST).bundle, outcome: "replaced" },
  ]);
  const served = await registry.fetch(`generic/greeter/1.0.0/${evidenceNames(WHEEL).bundle}`);
  assert.equal(await served.text(), `evidence ${evidenceNames(WHEEL).bundle}`);
});

const codeOf = async (result: ReturnType<typeof run>) => {
  const ended = await result;
  assert.ok(!JSON.stringify([ended, release.events]).includes(JOB_TOKEN));
  return ended.ok ? "ok" : ended.error.code;
};

const puts = () => registry.requests.filter((request) => request.method === "PUT").length;

test("every evidence file is served as it is on disk, and not sent twice", async () => {
  const sbom = evidenceNames(WHEEL).sbomAttestation;
  writeFileSync(`${release.folder}/${sbom}`, "sbom");
  const first = unwrap(await run());
  assert.equal(first.files.length, 11);
  assert.ok(first.files.every((file) => file.outcome === "uploaded"));
  for (const { filename } of first.files) {
    const served = await registry.fetch(`generic/greeter/1.0.0/${filename}`);
    assert.equal(await served.text(), filename === sbom ? "sbom" : `evidence ${filename}`);
  }
  const second = unwrap(await run());
  assert.ok(second.files.every((file) => file.outcome === "present"));
  assert.equal(puts(), 11);
});

test("evidence that was signed anew replaces the old", async () => {
  unwrap(await run());
  writeFileSync(`${release.folder}/${WHEEL}.sig`, "new");
  const again = unwrap(await run());
  assert.deepEqual(
    again.files.filter((file) => file.outcome !== "present"),
    [{ filename: `${WHEEL}.sig`, outcome: "replaced" }],
  );
});

test("a file that is missing is noticed before anything is sent", async () => {
  rmSync(`${release.folder}/${SDIST}.crt`);
  assert.equal(await codeOf(run()), "EVIDENCE_MISSING");
  assert.equal(puts(), 0);
});

test("a file that a waiver excuses for being absent is not sent, and no other may be", async () => {
  rmSync(`${release.folder}/${SDIST}.provenance.attestation`);
  const excused = [`${SDIST}.provenance.attestation`];
  const sent = unwrap(await run(registry.outside, undefined, undefined, excused));
  assert.equal(sent.files.length, 9);
  rmSync(`${release.folder}/${SDIST}.crt`);
  assert.equal(
    await codeOf(run(registry.outside, undefined, undefined, excused)),
    "EVIDENCE_MISSING",
  );
});

test("no distribution is no success", async () => {
  assert.equal(await codeOf(run(registry.outside, [])), "DIST_EMPTY");
});

test("bad credentials", async () => {
  assert.equal(await codeOf(run(registry.outside, [WHEEL], "bad")), "REGISTRY_AUTH");
});

test("a registry that serves other bytes, or none", async () => {
  for (const answer of [() => new Response("other"), () => new Response("", { status: 404 })]) {
    const outside: Outside = {
      ...registry.outside,
      fetch: async (input, init) =>
        init?.method === "GET" ? answer() : registry.outside.fetch(input, init),
    };
    assert.equal(await codeOf(run(outside)), "UPLOAD_READBACK");
  }
});
