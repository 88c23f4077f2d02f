import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Audit } from "../../src/consumer/audit.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { forge } from "../consumer/kit-support.ts";
import { codeOf } from "../pipeline/in-process.ts";
import { openAudits } from "./audit-support.ts";

const audits = await openAudits();
const { folder, greeters, write, run, code, auditOf } = audits;
const { first } = audits.releases;
after(() => audits.close());

test("the parts of an audit make the same whole, and nothing else does", async () => {
  const whole = await auditOf("both.toml --since both.toml");
  for (const index of [1, 2]) {
    const env = { CI_NODE_INDEX: String(index), CI_NODE_TOTAL: "2" };
    const said = await run("audit both.toml --since both.toml --shard auto --json", env);
    write(`part${index}.json`, said.out);
    assert.equal((JSON.parse(said.out) as Audit).files.length, 1);
  }
  const merged = JSON.parse((await run("report merge part2.json part1.json --json")).out) as Audit;
  assert.deepEqual(merged, whole);
  const text = await run("report merge part1.json part2.json --junit merged.xml");
  assert.match(text.out, /2 files: 1 verified, 1 unattested/);
  assert.equal(await code("report merge part1.json"), "1 REPORT_SHARDS");
  assert.equal(await code("report merge part1.json part1.json"), "1 REPORT_SHARDS");
  write("strict.json", (await run("audit both.toml --shard 2/2 --refuse-unattested --json")).out);
  assert.equal(await code("report merge part1.json strict.json"), "1 REPORT_SHARDS");
  const who = "--certificate-identity x --certificate-oidc-issuer";
  for (const issuer of ["https://a.example", "https://b.example"]) {
    const said = await run(`audit both.toml --shard 2/2 ${who} ${issuer} --json`);
    write(`${issuer.slice(8, 9)}.json`, said.out);
  }
  const [a, b] = ["a", "b"].map((name) => readFileSync(join(folder, `${name}.json`), "utf8"));
  assert.notEqual(JSON.parse(a ?? "").policy.sha256, JSON.parse(b ?? "").policy.sha256);
  const part = JSON.parse(readFileSync(join(folder, "part1.json"), "utf8")) as Audit;
  for (const [change, what] of [
    [{ ok: false }, "another conclusion"],
    [{ files: [] }, "no files"],
    [{ files: [{ ...part.files[0], outcome: "refused" }] }, "a refusal without reason"],
  ] as const) {
    write("forged.json", JSON.stringify({ ...part, ...change }));
    assert.equal(await code("report merge forged.json part2.json"), "1 REPORT_SHARDS", what);
  }
});

test("a part that refuses makes the whole refuse", async () => {
  for (const index of [1, 2]) {
    const said = await run(`audit both.toml --policy other.toml --shard ${index}/2 --json`);
    write(`part${index}.json`, said.out);
  }
  assert.equal(await code("report merge part1.json part2.json"), "1 IDENTITY_MISMATCH");
});

test("an auditor comes to the same verdicts from the archive alone", async () => {
  const made = await run("audit both.toml --since both.toml --export evidence.kit");
  assert.equal(made.code, 0, made.err);
  assert.match(made.err, /^evidence: evidence\.kit, sha256:[0-9a-f]{64}$/m);
  const told = await run("kit verify evidence.kit --policy policy.toml");
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /^verified greeter-1\.0\.0/m);
  assert.match(told.out, /^unattested plain-2\.0.*\n {9}nobody vouches for it$/m);
  assert.match(told.out, /^audit {3}of both\.toml: 2 files$/m);
  assert.equal(await code(`kit verify evidence.kit --policy other.toml`), "1 IDENTITY_MISMATCH");
  assert.equal(await code("kit import evidence.kit --to site --policy policy.toml"), "2 USAGE");
  const empty = write("empty.toml", "");
  assert.equal(await code(`kit verify evidence.kit --policy ${empty}`), "2 IDENTITY_MISSING");
});

test("an archive that says something else than its evidence or its lock is refused", async () => {
  const sound = readFileSync(join(folder, "evidence.kit"));
  const verify = async (change: Parameters<typeof forge>[1]) => {
    writeFileSync(join(folder, "forged.kit"), await forge(sound, change));
    return code("kit verify forged.kit --policy policy.toml");
  };
  const edited = (edit: (text: string) => string): Parameters<typeof forge>[1] => {
    return ({ files }) => {
      const report = new TextDecoder().decode(files.get("report.json"));
      files.set("report.json", utf8(edit(report)));
    };
  };
  assert.equal(await verify(() => undefined), "0 none");
  assert.equal(
    await verify(({ files }) => files.set("source/0-both.toml", utf8("x"))),
    "0 none",
    "the same lock is there twice",
  );
  assert.equal(
    await verify(({ files }) => {
      files.delete("source/0-both.toml");
      files.delete("source/1-both.toml");
    }),
    "1 KIT_MANIFEST",
  );
  assert.equal(await verify(({ files }) => files.delete("report.json")), "1 KIT_MANIFEST");
  const without = (name: string): Parameters<typeof forge>[1] => {
    return ({ files, manifest }) => {
      for (const path of files.keys()) if (path.includes(`/${name}`)) files.delete(path);
      manifest.packages = manifest.packages.filter(({ filename }) => !filename.startsWith(name));
    };
  };
  const silent = edited((text) => {
    const report = JSON.parse(text) as Audit;
    return JSON.stringify({
      ...report,
      files: report.files.filter(({ name }) => name !== "plain"),
    });
  });
  assert.equal(await verify(without("plain")), "1 KIT_MANIFEST", "the report says it is there");
  const unmentioned = verify((kit) => {
    without("plain")(kit);
    silent(kit);
  });
  assert.equal(await unmentioned, "1 KIT_MANIFEST", "the lock has it, and nothing is said of it");
  const lie = edited((text) => text.replace('"outcome": "unattested"', '"outcome": "verified"'));
  assert.equal(await verify(lie), "1 KIT_MANIFEST");
  const both = await verify((kit) => {
    for (const one of kit.manifest.packages) one.verdict = "verified";
    lie(kit);
  });
  assert.equal(both, "1 EVIDENCE_MISSING");
  const another = edited((text) => text.replace("local/packages//", "other/place//"));
  assert.equal(await verify(another), "1 KIT_MANIFEST");
  const stronger = verify(({ manifest }) => {
    for (const one of manifest.packages) one.verdict = "verified";
  });
  assert.equal(await stronger, "1 KIT_MANIFEST");
  const weaker = await verify(({ manifest, files }) => {
    const report = JSON.parse(new TextDecoder().decode(files.get("report.json")));
    for (const one of [...manifest.packages, ...report.files]) {
      delete one.signer;
      one.verdict = "unattested";
      one.outcome = "unattested";
    }
    manifest.packages = manifest.packages.map(({ outcome: _, ...one }) => one);
    files.set("report.json", utf8(JSON.stringify(report)));
    for (const path of files.keys()) if (path.includes(".whl.")) files.delete(path);
  });
  assert.equal(weaker, "1 EVIDENCE_MISSING", "the policy names who signs it");
});

test("what an audit refused stays refused in its archive", async () => {
  greeters.says.set(first.filename, { hashes: { sha256: "0".repeat(64) } });
  const exported = await code("audit both.toml --export refused.kit");
  greeters.says.delete(first.filename);
  assert.equal(exported, "1 LOCK_DIGEST");
  const told = await run("kit verify refused.kit --policy policy.toml");
  assert.equal(`${told.code} ${codeOf(told)}`, "1 LOCK_DIGEST");
  assert.match(told.out, /1 file; 1 more it refused or could not have/);
});
