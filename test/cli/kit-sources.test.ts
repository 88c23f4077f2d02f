import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseAttestation } from "../../src/formats/attestation.ts";
import { evidenceNames } from "../../src/formats/evidence.ts";
import { formatProvenance } from "../../src/formats/provenance-object.ts";
import { unwrap } from "../../src/formats/result.ts";
import { pylockOf } from "../consumer/closure-support.ts";
import { unpack } from "../consumer/kit-support.ts";
import { codeOf, runHere } from "../pipeline/in-process.ts";
import { openAudits } from "./audit-support.ts";

const audits = await openAudits();
const { folder, greeters, write, stating, flags } = audits;
const { first, second, foreign, plain } = audits.releases;
after(() => audits.close());

const run = (...words: readonly string[]) =>
  runHere(["kit", "export", "out.kit", ...words, ...flags], { cwd: folder });
const code = async (...words: readonly string[]) => {
  const said = await run(...words);
  return `${said.code} ${codeOf(said)}`;
};
const kit = () => unpack(new Uint8Array(readFileSync(join(folder, "out.kit"))));
const verify = async (...words: readonly string[]) => {
  const trust = audits.trust;
  const said = await runHere(["kit", "verify", "out.kit", ...trust, ...words], { cwd: folder });
  return `${said.code} ${codeOf(said)}`;
};

test("releases of an index are fetched with their evidence", async () => {
  const said = await run("greeter==1.0.0", "greeter==2.0.0", "--policy", "policy.toml");
  assert.equal(said.code, 0, said.err);
  const { files, manifest } = await kit();
  const names = [first, second].map(({ filename }) => filename);
  assert.deepEqual(
    manifest.packages.map(({ filename }) => filename),
    names,
  );
  for (const [name, bytes] of first.evidence)
    assert.deepEqual(files.get(`packages/${name}`), bytes);
  assert.equal(await verify("--policy", "policy.toml"), "0 none");
});

test("a release that does not verify is not carried", async () => {
  const policy = ["--policy", "policy.toml"];
  assert.equal(await code("greeter==3.0.0", ...policy), "1 IDENTITY_MISMATCH");
  assert.equal(await code("greeter==1.0.0", "greeter==3.0.0", ...policy), "1 IDENTITY_MISMATCH");
  assert.equal(await code("greeter==9.0.0", ...policy), "1 INDEX_FILE");
  assert.equal(await code("greeter==", ...policy), "2 USAGE");
  greeters.says.set(first.filename, { hashes: { sha256: "0".repeat(64) } });
  assert.equal(await code("greeter==1.0.0", ...policy), "1 INDEX_DIGEST");
  greeters.says.delete(first.filename);
  const generic = ["--generic-url", "http://127.0.0.1:1/generic/greeter/1"];
  assert.equal(await code("greeter==1.0.0", "greeter==2.0.0", ...policy, ...generic), "2 USAGE");
});

test("a lock is carried whole, with whom it states as the policy", async () => {
  const lock = write("stated.toml", stating(pylockOf(first)));
  const said = await run("--lock", lock);
  assert.equal(said.code, 0, said.err);
  const digest = execFileSync(
    "sh",
    ["-c", "tar xOf out.kit wheelseal-kit/policy.json | sha256sum"],
    { cwd: folder, encoding: "utf8" },
  ).slice(0, 64);
  assert.equal(await verify("--policy-sha256", digest), "0 none");
  const { manifest, files } = await kit();
  assert.deepEqual(manifest.policy, { from: "the lock", sha256: digest });
  const { bundle } = evidenceNames(first.filename);
  assert.equal(files.has(`packages/${bundle}`), true);
});

test("a lock with what must not be installed is not carried", async () => {
  const lock = (text: string) => ["--lock", write("bad.toml", text)];
  assert.equal(await code(...lock(pylockOf(plain))), "1 LOCK_UNATTESTED");
  assert.equal(await code(...lock(pylockOf(first))), "1 LOCK_UNATTESTED", "nobody is named");
  assert.equal(await code(...lock(stating(pylockOf(foreign)))), "1 LOCK_IDENTITY");
  const tree = '\n[[packages]]\nname = "tree"\ndirectory = { path = "." }\n';
  assert.equal(await code(...lock(stating(pylockOf(first)) + tree)), "1 LOCK_UNVERIFIABLE");
  assert.equal(await code(...lock("lock-version = 1")), "1 LOCK_FORMAT");
});

test("a file that a policy pins is carried without evidence", async () => {
  const lock = pylockOf(first, plain);
  const pins = [...lock.matchAll(/sha256 = "([0-9a-f]{64})"/g)].map(([, digest]) => digest);
  const [greeter, other] = pins.map((digest) => `["sha256:${digest}"]`);
  write("pins.toml", `packages.plain.pins = ${other}\npackages.greeter.pins = ${greeter}\n`);
  const policy = ["--policy", "pins.toml"];
  assert.equal(await code("--lock", write("plain.toml", lock), ...policy), "0 none");
  const { manifest, files } = await kit();
  for (const { verdict } of manifest.packages) assert.equal(verdict, "pinned");
  assert.deepEqual(
    [...files.keys()].filter((path) => path.includes(".whl.")),
    [],
  );
  assert.equal(await verify(...policy), "0 none");
  assert.equal(await verify("--policy", "policy.toml"), "1 EVIDENCE_MISSING");
});

test("an index's attestations alone are enough for a site that says so", async () => {
  const { publishAttestation } = evidenceNames(second.filename);
  const attestation = unwrap(
    parseAttestation(second.evidence.get(publishAttestation) ?? new Uint8Array()),
  );
  const publisher = { kind: "other", name: "test" } as const;
  const provenance = formatProvenance({ bundles: [{ publisher, attestations: [attestation] }] });
  const served = { ...second, evidence: new Map([["second.provenance", provenance]]) };
  greeters.add(served);
  greeters.says.set(second.filename, { provenance: "../../files/second.provenance" });
  const [, index = "", ...trust] = flags;
  // Not a GitLab project's index: there is no generic registry beside it.
  const plainIndex = ["--index-url", index.replace("/api/v4/projects/1/packages", "")];
  const lock = write("second.toml", pylockOf(second));
  const words = ["--lock", lock, "--policy", "policy.toml", ...plainIndex, ...trust];
  const said = await runHere(["kit", "export", "out.kit", ...words], { cwd: folder });
  assert.equal(said.code, 0, said.err);
  const { manifest } = await kit();
  assert.equal(manifest.packages[0]?.demands, "attested");
  assert.equal(await verify("--policy", "policy.toml"), "1 EVIDENCE_MISSING");
  assert.equal(await verify("--policy", "policy.toml", "--demands", "attested"), "0 none");
  assert.equal(await verify("--policy", "policy.toml", "--demands", "less"), "2 USAGE");
  greeters.says.delete(second.filename);
  greeters.add(second);
});
