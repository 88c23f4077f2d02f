import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Audit } from "../../src/consumer/audit.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { pylockOf, unsigned } from "../consumer/closure-support.ts";
import type { SignedFile } from "../consumer/hostile-upstream.ts";
import { startCommand } from "../pipeline/command.ts";
import { codeOf, runHere } from "../pipeline/in-process.ts";
import { openAudits } from "./audit-support.ts";

const began = Date.now();
const audits = await openAudits();
const { folder, greeters, write, stating, naming, run, code, auditOf, flags, trust } = audits;
const { first, second, foreign, bare, plain } = audits.releases;
after(() => audits.close());

test("a process of its own prints who published what, and what nobody vouches for", async () => {
  const { ended } = startCommand(["audit", "both.toml", ...flags], { cwd: folder });
  const { code: exit, stdout, stderr } = await ended;
  assert.equal(exit, 0, stderr);
  const day = new Date().toISOString().slice(0, 4);
  assert.match(stdout, /^outcome {5}package {8}publisher {14}signed {6}files$/m);
  assert.match(
    stdout,
    new RegExp(
      `^verified {4}greeter 1\\.0\\.0 {2}GitLab local/packages {2}${day}-..-.. {2}1$`,
      "m",
    ),
  );
  assert.match(stdout, /^unattested {2}plain 2\.0 {6}- {22}- {11}1$/m);
  assert.match(stdout, /^2 files: 1 verified, 1 unattested$/m);
});

test("who published each file is in the JSON, with when and what proves it", async () => {
  const audit = await auditOf("both.toml");
  const [signed, unproven] = audit.files;
  assert.equal(signed?.publisher?.fields.repository, "local/packages");
  assert.match(signed?.signer?.identity ?? "", /local\/packages\/\/\.gitlab-ci\.yml@refs/);
  assert.deepEqual(signed?.proofs, ["bundle", "publish", "provenance"]);
  // Three proofs, made one after the other: a second may end between them.
  const times = signed?.signedAt ?? [];
  assert.ok(times.length >= 1 && times.length <= 3, times.join());
  assert.deepEqual(times, [...new Set(times)].sort());
  for (const time of times)
    assert.ok(began - 1000 <= Date.parse(time) && Date.parse(time) <= Date.now(), time);
  assert.deepEqual([unproven?.outcome, unproven?.demanded], ["unattested", "nobody"]);
  assert.deepEqual([audit.ok, audit.unattested, audit.changes], [true, "allow", []]);
});

test("files that nobody vouches for are refused where that is said", async () => {
  assert.equal(await code("audit both.toml --refuse-unattested"), "1 LOCK_UNATTESTED");
  write("strict.toml", `unattested = "refuse"\n${naming("local/packages")}`);
  assert.equal(await code("audit both.toml --policy strict.toml"), "1 LOCK_UNATTESTED");
  const only = write("only.toml", pylockOf(first));
  assert.equal(await code(`audit ${only} --policy strict.toml`), "0 none");
  const tree = `${pylockOf(first)}\n[[packages]]\nname = "tree"\ndirectory = { path = "." }\n`;
  write("tree.toml", tree);
  assert.equal(await code("audit tree.toml"), "0 none");
  assert.equal(await code("audit tree.toml --refuse-unattested"), "1 LOCK_UNVERIFIABLE");
});

test("refusals, usage and outages have exit codes of their own", async () => {
  assert.equal(await code("audit both.toml --policy other.toml"), "1 IDENTITY_MISMATCH");
  assert.equal(await code("audit both.toml --shard 3/2"), "2 USAGE");
  assert.equal(await code("audit both.toml --since nothing.toml"), "1 FILE_UNREADABLE");
  const gone = ["--index-url", "http://127.0.0.1:1/simple/", ...trust];
  const said = await runHere(["audit", "both.toml", ...gone], { cwd: folder });
  assert.equal(`${said.code} ${codeOf(said)}`, "3 NETWORK_UNREACHABLE");
  greeters.says.set(first.filename, { hashes: { sha256: "0".repeat(64) } });
  assert.equal(await code("audit both.toml"), "1 LOCK_DIGEST");
  greeters.says.delete(first.filename);
});

test("what is wrong is in the JUnit and the SARIF", async () => {
  await run("audit both.toml --refuse-unattested --junit audit.xml --sarif audit.sarif");
  const junit = readFileSync(join(folder, "audit.xml"), "utf8");
  assert.match(junit, /<testsuite name="plain 2\.0" tests="1" failures="1" skipped="0">/);
  assert.match(junit, /<testsuite name="greeter 1\.0\.0" tests="1" failures="0" skipped="0">/);
  const sarif = JSON.parse(readFileSync(join(folder, "audit.sarif"), "utf8"));
  const [result, ...more] = sarif.runs[0].results;
  assert.deepEqual([result.ruleId, result.level, more], ["LOCK_UNATTESTED", "error", []]);
  const [{ physicalLocation }] = result.locations;
  assert.equal(physicalLocation.artifactLocation.uri, "both.toml");
  await run("audit both.toml --junit audit.xml");
  assert.match(readFileSync(join(folder, "audit.xml"), "utf8"), /skipped="1"/);
});

/** Audits a lock against the one before it: kinds of change, and the exit. */
const since = async (
  before: string,
  now: string,
  more = "",
): Promise<{ changes: string[]; exit: string }> => {
  write("before.toml", before);
  write("now.toml", now);
  const said = await run(`audit now.toml --since before.toml ${more} --json`);
  const { changes } = JSON.parse(said.out) as Audit;
  return { changes: changes.map(({ kind }) => kind), exit: `${said.code} ${codeOf(said)}` };
};

const CHANGES: [string, string, string, string, string[], string][] = [
  ["nothing", pylockOf(first), pylockOf(first), "", [], "0 none"],
  ["a package more", pylockOf(first), pylockOf(first, plain), "", ["added"], "0 none"],
  ["a package less", pylockOf(first, plain), pylockOf(first), "", ["removed"], "0 none"],
  ["a later version", stating(pylockOf(first)), pylockOf(second), "", ["upgraded"], "0 none"],
  ["an earlier version", pylockOf(second), pylockOf(first), "", ["downgraded"], "0 none"],
  [
    "another publisher than the lock stated",
    stating(pylockOf(first)),
    pylockOf(foreign),
    "",
    ["upgraded", "publisher-changed"],
    "1 LOCK_IDENTITY",
  ],
  [
    "another publisher than signed before, unstated",
    pylockOf(first),
    pylockOf(foreign),
    "",
    ["upgraded", "publisher-changed"],
    "1 LOCK_IDENTITY",
  ],
  [
    "another publisher, whom the policy names",
    stating(pylockOf(first)),
    pylockOf(foreign),
    "--policy either.toml",
    ["upgraded", "publisher-changed"],
    "0 none",
  ],
  [
    "a publisher less",
    stating(pylockOf(first)),
    pylockOf(bare),
    "",
    ["upgraded", "publisher-lost"],
    "1 LOCK_ATTESTATION_LOST",
  ],
  [
    "a first publisher",
    pylockOf(bare),
    pylockOf(first),
    "",
    ["downgraded", "publisher-new"],
    "0 none",
  ],
  [
    "another publisher of a version that came beside the old one, unstated",
    pylockOf(first),
    pylockOf(first, foreign),
    "",
    ["added", "publisher-changed"],
    "1 LOCK_IDENTITY",
  ],
  [
    "a version that nobody signed beside the old one",
    stating(pylockOf(first)),
    pylockOf(first, bare),
    "",
    ["added", "publisher-lost"],
    "1 LOCK_ATTESTATION_LOST",
  ],
  [
    "both",
    pylockOf(first),
    pylockOf(first, bare, foreign),
    "",
    ["added", "added", "publisher-lost", "publisher-changed"],
    "1 LOCK_ATTESTATION_LOST",
  ],
  [
    "a replaced file",
    pylockOf({ ...first, content: utf8("another") }),
    pylockOf(first),
    "",
    ["replaced"],
    "1 LOCK_DIGEST",
  ],
];

for (const [what, before, now, said, changes, exit] of CHANGES) {
  test(`since the lock before: ${what}`, async () => {
    assert.deepEqual(await since(before, now, said), { changes, exit });
  });
}

test("publishers of then that cannot be had any more are told", async () => {
  const gone = unsigned("greeter", "0.1.0");
  const { changes, exit } = await since(pylockOf(gone), pylockOf(first));
  assert.deepEqual(changes, ["upgraded", "publisher-unknown"]);
  assert.equal(exit, "0 none");
});

test("a file that came to an old release is told", async () => {
  const late: SignedFile = { ...first, filename: "greeter-1.0.0-2-py3-none-any.whl" };
  const [head = "", line = ""] = [pylockOf(first), /\{ url[^\n]*\}/.exec(pylockOf(late))?.[0]];
  const both = head.replace(/wheels = \[(.*)\]/, `wheels = [$1, ${line}]`);
  const { changes } = await since(pylockOf(first), both);
  assert.deepEqual(changes, ["file-added"]);
});

test("a policy is written of what was found, and accepts just that", async () => {
  const said = await run("audit both.toml --write-policy found.toml");
  assert.match(said.err, /^policy: found\.toml names 2 packages, 2 of them new$/m);
  const text = readFileSync(join(folder, "found.toml"), "utf8");
  assert.match(text, /^# Whom to expect, as wheelseal audit found it for both\.toml/);
  assert.match(text, /^\[packages\.plain\]\npins = \[\n {2}"sha256:[0-9a-f]{64}", # plain-2\.0-/m);
  const audit = await auditOf("both.toml --policy found.toml --refuse-unattested");
  const outcomes = audit.files.map(({ outcome, demanded }) => `${outcome} ${demanded}`);
  assert.deepEqual(outcomes, ["verified policy", "pinned policy"]);
  write("other-lock.toml", pylockOf(foreign));
  assert.equal(await code("audit other-lock.toml --policy found.toml"), "1 IDENTITY_MISMATCH");
  const kit = `kit export found.kit --lock both.toml ${flags.slice(0, 2).join(" ")}`;
  assert.equal(await code(kit), "1 LOCK_UNATTESTED");
  assert.equal(await code(`${kit} --policy found.toml`), "0 none");
});

test("a policy that is given is completed, and stays as it was", async () => {
  await run("audit both.toml --policy policy.toml --write-policy more.toml");
  const text = readFileSync(join(folder, "more.toml"), "utf8");
  const [, signers = ""] = text.split("[[packages.greeter.identities]]");
  assert.match(signers, /project = "local\/packages"/);
  assert.doesNotMatch(text, /project-id/);
  assert.match(text, /# plain-2\.0-py3-none-any\.whl$/m);
});

test("no policy is written over another, of a part, or where anything is refused", async () => {
  const before = write("mine.toml", naming("local/packages"));
  assert.equal(await code(`audit both.toml --write-policy ${before}`), "2 USAGE");
  assert.equal(readFileSync(join(folder, before), "utf8"), naming("local/packages"));
  assert.equal(await code("audit both.toml --shard 1/2 --write-policy new.toml"), "2 USAGE");
  assert.equal(await code("audit both.toml --write-policy new.json"), "2 USAGE");
  const refused = await code("audit both.toml --refuse-unattested --write-policy new.toml");
  assert.equal(refused, "1 LOCK_UNATTESTED");
  assert.throws(() => readFileSync(join(folder, "new.toml")), /ENOENT/);
});

test("a password in a lock is told, and goes into no archive", async () => {
  write("secret.toml", `# uv export --index https://ci:hunter2@index.example/\n${pylockOf(first)}`);
  const said = await run("audit secret.toml");
  assert.match(said.err, /^warning: secret\.toml:1 has a URL with a password/m);
  assert.doesNotMatch(`${said.out}${said.err}`, /hunter2/);
  assert.equal(said.code, 0);
  assert.equal(await code("audit secret.toml --export secret.kit"), "1 LOCK_FORMAT");
  assert.throws(() => readFileSync(join(folder, "secret.kit")), /ENOENT/);
  assert.equal(
    await code("audit both.toml --since secret.toml --export secret.kit"),
    "1 LOCK_FORMAT",
  );
  write("pylock.secret.toml", readFileSync(join(folder, "secret.toml"), "utf8"));
  const locked = await runHere(["lock", "pylock.secret.toml", ...flags], { cwd: folder });
  assert.match(locked.err, /^warning: pylock\.secret\.toml:1 has a URL with a password/m);
});
