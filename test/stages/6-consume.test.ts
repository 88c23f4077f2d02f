import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { inspectDistribution } from "../../src/clients/archive.ts";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { genericPackage } from "../../src/clients/generic.ts";
import type { EmptyEnvironment, Installer, InstallRequest } from "../../src/clients/installer.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { simpleIndex } from "../../src/clients/simple-index.ts";
import { equal, hex, utf8 } from "../../src/formats/bytes.ts";
import { requiredEvidence } from "../../src/formats/evidence.ts";
import { fail, failure, ok, unwrap } from "../../src/formats/result.ts";
import { consume, type VerifyFile } from "../../src/stages/6-consume.ts";
import { asJob, PACKAGES, testRegistry, uploadForm } from "../services/registry-support.ts";
import { fakeInstaller } from "./fake-installer.ts";
import { releaseFolder, SDIST, WHEEL } from "./release-support.ts";

let registry: ReturnType<typeof testRegistry>;
let release: ReturnType<typeof releaseFolder>;
/** What happened, in order: the fetches, verifications and installs. */
let steps: string[];

const uploadFile = async (filename: string, content: Uint8Array, requires_python = ">=3.8") => {
  const body = uploadForm({ requires_python }, new Uint8Array(content), filename);
  const answer = await registry.fetch("pypi", { method: "POST", body, headers: asJob });
  assert.equal(answer.status, 201, await answer.text());
};

const putEvidence = (name: string, content: string | Uint8Array) =>
  registry.fetch(`generic/greeter/1.0.0/${name}`, {
    method: "PUT",
    body: new Blob([content as string]),
    headers: asJob,
  });

beforeEach(async () => {
  registry = testRegistry();
  release = releaseFolder();
  steps = [];
  for (const { filename, path } of release.verified) {
    await uploadFile(filename, readFileSync(path));
    for (const name of requiredEvidence(filename)) await putEvidence(name, `evidence ${name}`);
  }
});
afterEach(() => {
  assert.equal(left(), 0, "every environment is discarded");
  registry.remove();
  release.remove();
});

/** Accepts a file whose evidence is as it was published; the real checks have tests of their own. */
const verifyFile: VerifyFile = async (path, evidence) => {
  const filename = basename(path);
  steps.push(`verify ${filename}`);
  const artifact = unwrap(await systemFiles.artifact(path));
  const base = {
    filename,
    sha256: hex(artifact.sha256),
    size: artifact.size,
    proofs: [],
    findings: [],
    waivers: [],
  };
  for (const name of requiredEvidence(filename)) {
    const found = await evidence(name);
    if (!found.ok) return found;
    if (found.value === undefined) {
      return ok({ ...base, failure: failure("EVIDENCE_MISSING", `no ${name}`) });
    }
    if (!equal(found.value, utf8(`evidence ${name}`))) {
      return ok({ ...base, failure: failure("SIGNATURE_INVALID", `bad ${name}`) });
    }
  }
  return ok(base);
};

const installs: InstallRequest[] = [];
const { left, prepareWith } = fakeInstaller((request) => {
  steps.push(`install ${basename(request.wheelPath)}`);
  installs.push(request);
});
const installer: Installer = { prepare: prepareWith() };

const run = (
  fetch: Outside["fetch"] = registry.outside.fetch,
  version = "1.0",
  name = "Greeter",
  by: Installer = installer,
) => {
  const outside = { ...registry.outside, fetch };
  return consume(
    { name, version, folder: join(release.folder, "downloads") },
    {
      index: simpleIndex(outside, { url: `${PACKAGES}/pypi/simple`, auth: NO_AUTH }),
      evidence: genericPackage(outside, {
        url: `${PACKAGES}/generic/greeter/1.0.0`,
        auth: NO_AUTH,
      }),
      verifyFile,
      inspect: inspectDistribution,
      installer: by,
      now: () => 0,
      report: release.report,
    },
  );
};

/** Nothing was installed, and the code is this one. */
const refusedWith = async (code: string, result: ReturnType<typeof run>) => {
  const ended = await result;
  assert.equal(ended.ok ? "ok" : ended.error.code, code);
  assert.ok(!steps.some((step) => step.startsWith("install")));
  assert.equal(release.events.at(-1)?.kind, "failed");
};

/** The registry, whose answers below a path are changed on their way. */
const changing =
  (path: string, change: (text: string) => string): Outside["fetch"] =>
  async (input, init) => {
    const answer = await registry.outside.fetch(input, init);
    if (!new Request(input).url.includes(path)) return answer;
    return new Response(change(await answer.text()), {
      status: answer.status,
      headers: { "content-type": answer.headers.get("content-type") ?? "" },
    });
  };

const blobOf = (sha256: string): string =>
  join(registry.folder, "blobs", sha256.slice(0, 2), sha256);

test("verifies every file, and only then installs the wheel by its digest", async () => {
  const outcome = unwrap(await run());
  assert.deepEqual(steps, [`verify ${WHEEL}`, `verify ${SDIST}`, `install ${WHEEL}`]);
  assert.deepEqual(
    outcome.verdicts.map((verdict) => verdict.filename),
    [WHEEL, SDIST],
  );
  assert.deepEqual(outcome.notes, []);
  assert.equal(installs.at(-1)?.sha256, release.verified[0]?.sha256);
  assert.equal(installs.at(-1)?.name, "greeter");
  assert.equal(release.events.at(-1)?.kind, "finished");
});

test("works from the HTML page as from JSON", async () => {
  const html: Outside["fetch"] = (input, init) => {
    const request = new Request(input, init);
    if (request.url.includes("/simple/")) request.headers.set("accept", "text/html");
    return registry.service.fetch(request);
  };
  assert.ok((await run(html)).ok);
});

test("an sdist alone is verified and never built; a wheel alone is noted", async () => {
  const only = (wanted: string) =>
    changing("/simple/", (text) => {
      const page = JSON.parse(text);
      page.files = page.files.filter((file: { filename: string }) => file.filename === wanted);
      return JSON.stringify(page);
    });
  const sdist = unwrap(await run(only(SDIST)));
  assert.equal(sdist.installed, undefined);
  assert.match(sdist.notes[0] ?? "", /no wheel/);
  assert.ok(!steps.includes(`install ${WHEEL}`));
  const wheel = unwrap(await run(only(WHEEL)));
  assert.match(wheel.notes[0] ?? "", /no sdist/);
  assert.equal(wheel.installed?.version, "1.0.0");
});

describe("tampering", () => {
  for (const at of [0, 1]) {
    test(`a file in the registry, ${[WHEEL, SDIST][at]}`, async () => {
      const path = blobOf(release.verified[at]!.sha256);
      writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("x")]));
      await refusedWith("INDEX_DIGEST", run());
      const downloads = join(release.folder, "downloads");
      const wheelOnly = at === 0 ? [] : [WHEEL];
      assert.deepEqual(existsSync(downloads) ? readdirSync(downloads) : [], wheelOnly);
    });
  }

  test("a digest on the index page", async () => {
    const { sha256 } = release.verified[0]!;
    const page = changing("/simple/", (text) =>
      text.replace(`"sha256":"${sha256}"`, `"sha256":"${"0".repeat(64)}"`),
    );
    await refusedWith("INDEX_DIGEST", run(page));
  });

  test("no digest on the index page", async () => {
    const page = changing("/simple/", (text) =>
      text.replaceAll(/"hashes":\{[^}]*\}/g, '"hashes":{}'),
    );
    await refusedWith("INDEX_DIGEST", run(page));
  });

  for (const name of requiredEvidence(WHEEL)) {
    test(`evidence changed: ${name.slice(WHEEL.length)}`, async () => {
      await putEvidence(name, "changed");
      await refusedWith("SIGNATURE_INVALID", run());
    });
  }

  test("evidence of the file that is not installed", async () => {
    await putEvidence(`${SDIST}.sig`, "changed");
    await refusedWith("SIGNATURE_INVALID", run());
  });

  test("evidence gone", async () => {
    const gone: Outside["fetch"] = async (input, init) =>
      new Request(input).url.endsWith(".crt")
        ? new Response("", { status: 404 })
        : registry.outside.fetch(input, init);
    await refusedWith("EVIDENCE_MISSING", run(gone));
  });

  test("the metadata beside the wheel", async () => {
    const other = changing(".metadata", (text) => `${text}Requires-Dist: evil\n`);
    await refusedWith("DIST_SIDECAR", run(other));
  });

  test("Requires-Python on the index page", async () => {
    const page = changing("/simple/", (text) => text.replaceAll(">=3.8", ">=2"));
    await refusedWith("DIST_SIDECAR", run(page));
  });

  test("provenance that is empty", async () => {
    const empty: Outside["fetch"] = async (input, init) => {
      if (!new Request(input).url.includes("/integrity/")) {
        return changing("/simple/", (text) =>
          text.replaceAll('"provenance":null', '"provenance":"/integrity/x"'),
        )(input, init);
      }
      return new Response(JSON.stringify({ version: 1, attestation_bundles: [] }));
    };
    await refusedWith("ATTESTATION_EMPTY", run(empty));
  });
});

describe("releases that are refused", () => {
  const list = (change: (files: Record<string, unknown>[]) => unknown[]) =>
    changing("/simple/", (text) => {
      const page = JSON.parse(text);
      page.files = change(page.files);
      return JSON.stringify(page);
    });

  test("none of that version", () => refusedWith("INDEX_FILE", run(undefined, "2.0")));
  test("none of that name", () => refusedWith("REGISTRY_NOT_FOUND", run(undefined, "1.0", "no")));
  test("a version that is none", () => refusedWith("DIST_VERSION", run(undefined, "new")));
  test("a name that is none", () => refusedWith("DIST_NAME", run(undefined, "1.0", "../x")));
  test("an empty list", () => refusedWith("INDEX_FILE", run(list(() => []))));
  test("yanked", () =>
    refusedWith("INDEX_YANKED", run(list((files) => files.map((f) => ({ ...f, yanked: "bad" }))))));

  const strangers = [
    "Greeter-1.0.0.tar.gz",
    "greeter-1.0.0.zip",
    "greeter-1.0.tar.bz2",
    "greeter-1.0.0-py3.12.egg",
    "greeter-v1.0.0.tar.gz",
    "greeter-1.0.0-1-2-3-py3-none-any.whl",
    "other-1.0.0.tar.gz",
  ];
  for (const filename of strangers) {
    test(`one more file, ${filename}`, () =>
      refusedWith("INDEX_FILE", run(list((files) => [...files, { ...files[0], filename }]))));
  }

  test("one more wheel that nobody signed", async () => {
    const extra = "greeter-1.0.0-cp312-cp312-manylinux_2_17_x86_64.whl";
    await uploadFile(extra, utf8("unsigned"));
    await refusedWith("EVIDENCE_MISSING", run());
  });

  test("files of other versions do not matter, readable or not", async () => {
    await uploadFile("greeter-0.9.zip", utf8("old"));
    await uploadFile("greeter-2.0.0.tar.gz", utf8("new"));
    assert.ok((await run()).ok);
  });

  const none = async () => fail("BUILD_PYTHON", "there is none");
  const broken: EmptyEnvironment["install"] = async () => fail("INSTALL_FAILED", "pip said no");
  for (const [code, changed, version] of [
    ["INSTALL_FAILED", { prepare: prepareWith({ install: broken }) }, "1.0"],
    ["BUILD_PYTHON", { prepare: none }, "1.0"],
    ["INDEX_FILE", { prepare: none }, "9.0"],
  ] as const) {
    test(`${code} of ${version}: what is wrong with the release comes first`, async () => {
      const ended = await run(undefined, version, "Greeter", changed);
      assert.equal(ended.ok ? "ok" : ended.error.code, code);
    });
  }
});
