import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Invocation } from "../../src/cli/command.ts";
import { writeDotenv } from "../../src/cli/pinned-record.ts";
import { systemFiles } from "../../src/clients/files.ts";
import type { BuildRecord } from "../../src/formats/build-record.ts";
import { openShell } from "./shell.ts";
import { signRelease } from "./signed-release.ts";

const { folder, run } = openShell();
const release = await signRelease(folder);
await release.stack.close();
after(() => rmSync(folder, { recursive: true, force: true }));

const VERIFY = [
  "wheelseal verify dist --trust-config trust.json --offline",
  `--certificate-identity ${release.san} --certificate-oidc-issuer ${release.issuer}`,
].join(" ");

const recordPath = join(release.dist, "wheelseal-build.json");
const record = readFileSync(recordPath);
const digest = createHash("sha256").update(record).digest("hex");

test("a folder is held to the record that an earlier job named", () => {
  assert.equal(run(`WHEELSEAL_RECORD_SHA256=${digest} ${VERIFY}`).code, 0);
  const other = run(`WHEELSEAL_RECORD_SHA256=${"0".repeat(64)} ${VERIFY}`);
  assert.equal(other.code, 1);
  assert.match(other.output, /error\[DIST_CHANGED\].*WHEELSEAL_RECORD_SHA256/);
  rmSync(recordPath);
  const missing = run(`WHEELSEAL_RECORD_SHA256=${digest} ${VERIFY}`);
  writeFileSync(recordPath, record);
  assert.match(missing.output, /error\[BUILD_RECORD\]/);
});

for (const command of [
  "publish dist",
  "publish-signatures dist",
  "sign dist",
  "consume --from dist",
]) {
  test(`wheelseal ${command} refuses another record before anything else`, () => {
    const { output, code } = run(`WHEELSEAL_RECORD_SHA256=abc wheelseal ${command}`);
    assert.equal(code, 1);
    assert.match(output, /error\[DIST_CHANGED\]/);
  });
}

test("consume takes one of a requirement and a folder", () => {
  assert.match(run("wheelseal consume greeter==1.0.0 --from dist").output, /error\[USAGE\]/);
  assert.match(run("wheelseal consume --from nowhere").output, /error\[BUILD_RECORD\]/);
  assert.match(run("wheelseal consume").output, /error\[USAGE\]/);
});

test("a dotenv file holds the release and its record's digest, and no other line", async () => {
  const terminal = { cwd: folder };
  const invocation = { files: systemFiles, terminal } as unknown as Invocation;
  const built = JSON.parse(record.toString()) as BuildRecord;
  const write = (changed: Partial<BuildRecord>) =>
    writeDotenv(invocation, "job.env", { record: { ...built, ...changed }, sha256: digest });
  assert.ok((await write({ name: "My.Greeter" })).ok);
  assert.equal(
    readFileSync(join(folder, "job.env"), "utf8"),
    [
      "WHEELSEAL_RELEASE_NAME=my-greeter",
      "WHEELSEAL_RELEASE_VERSION=1.0.0",
      `WHEELSEAL_RECORD_SHA256=${digest}\n`,
    ].join("\n"),
  );
  for (const hostile of [{ name: "a\nPATH=x" }, { version: "1.0\nPATH=x" }, { name: "" }]) {
    assert.ok(!(await write(hostile)).ok, JSON.stringify(hostile));
  }
});

test("verify leaves a report, whether the files verify or not", () => {
  const told = (line: string) => {
    run(line);
    const page = readFileSync(join(folder, "seen/wheelseal-report.html"), "utf8");
    assert.match(page, /greeter-1\.0\.0/);
    return JSON.parse(readFileSync(join(folder, "seen/wheelseal-report.json"), "utf8"));
  };
  assert.equal(told(`${VERIFY} --report seen`).ok, true);
  const refused = told(`${VERIFY.replace(release.san, "https://example.com/x")} --report seen`);
  assert.equal(refused.ok, false);
  assert.equal(refused.error.code, "IDENTITY_MISMATCH");
});

test("shards of a run join to what the whole gives, with its JUnit report", () => {
  const whole = JSON.parse(run(`${VERIFY} --json --junit whole.xml 2>/dev/null`).output);
  for (const index of [1, 2, 3]) {
    const auto = `CI_NODE_INDEX=${index} CI_NODE_TOTAL=3 ${VERIFY} --shard auto --json`;
    assert.equal(run(`${auto} > part-${index}.json`).code, 0);
  }
  assert.match(readFileSync(join(folder, "part-3.json"), "utf8"), /"files": \[\]/);
  const merged = run("wheelseal report merge part-*.json --json --junit merged.xml 2>/dev/null");
  assert.equal(merged.code, 0, merged.output);
  assert.deepEqual(JSON.parse(merged.output), whole);
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  assert.equal(text("merged.xml"), text("whole.xml"));
});

test("a shard that is missing, refused or asked for wrongly is no success", () => {
  const lacking = run("wheelseal report merge part-1.json part-2.json");
  assert.match(lacking.output, /error\[REPORT_SHARDS\]: shard 3 of 3 is missing/);
  assert.equal(lacking.code, 1);
  const someone = VERIFY.replace(release.san, "https://example.com/x");
  const refused = run(`${someone} --shard 1/3 --json > part-1.json`);
  assert.equal(refused.code, 1);
  const merged = run("wheelseal report merge part-*.json");
  assert.equal(merged.code, 1);
  assert.match(merged.output, /^REFUSED /m);
  for (const wrong of ["0/2", "3/2", "x", "auto/2"]) {
    assert.match(run(`${VERIFY} --shard ${wrong}`).output, /error\[USAGE\]/);
  }
  assert.match(run(`${VERIFY.replace("dist", "trust.json")} --shard 1/2`).output, /error\[/);
});
