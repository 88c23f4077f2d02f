import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { formatAudit } from "../../src/consumer/gateway-audit.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { openStack } from "../stages/sign-support.ts";
import { gatewayFor } from "./gateway-support.ts";
import {
  type HostileUpstream,
  hostileUpstream,
  type OpenStack,
  OWN_PROJECT,
  type SignedFile,
  signWheel,
} from "./hostile-upstream.ts";

const DAY = 24 * 60 * 60 * 1000;

let opened: OpenStack;
let first: SignedFile;
let second: SignedFile;
let foreign: SignedFile;
let upstream: HostileUpstream;
let gate: Awaited<ReturnType<typeof gatewayFor>>;

before(async () => {
  opened = await openStack();
  first = await signWheel(opened, "greeter", "1.0.0");
  second = await signWheel(opened, "greeter", "1.1.0");
  foreign = await signWheel(opened, "greeter", "1.1.0", { project: "evil/packages" });
});
after(() => opened.close());
beforeEach(() => {
  upstream = hostileUpstream();
  upstream.add(first);
});
afterEach(() => gate.remove());

const codeOf = async (filename: string): Promise<string> => {
  const answer = await gate.get(filename);
  await answer.body?.cancel();
  return answer.status === 200 ? "served" : (answer.headers.get("x-wheelseal-code") ?? "?");
};

const alarms = async () =>
  (await gate.events()).flatMap(({ kind, code }) => (kind === "alarm" ? [code] : []));

/** The page's `yanked` of a file. */
const yankedOf = async (filename: string) => {
  const accept = "application/vnd.pypi.simple.v1+json";
  const page = await gate.ask("/simple/greeter/", { headers: { accept } });
  const { files } = (await page.json()) as { files: { filename: string; yanked: unknown }[] };
  return files.find((file) => file.filename === filename)?.yanked;
};

describe("trust on first use", () => {
  const config = { "trust-on-first-use": true };

  test("pins the first publisher, and takes its next release", async () => {
    gate = await gatewayFor(opened, upstream, { config, policy: {} });
    assert.equal(await codeOf(first.filename), "served");
    upstream.add(second);
    assert.equal(await codeOf(second.filename), "served");
    assert.deepEqual(await alarms(), []);
  });

  test("alarms at another publisher", async () => {
    gate = await gatewayFor(opened, upstream, { config, policy: {} });
    assert.equal(await codeOf(first.filename), "served");
    upstream.add(foreign);
    assert.equal(await codeOf(foreign.filename), "GATEWAY_IDENTITY_CHANGED");
    assert.deepEqual(await alarms(), ["GATEWAY_IDENTITY_CHANGED"]);
  });

  test("alarms at a lost attestation", async () => {
    gate = await gatewayFor(opened, upstream, { config, policy: {} });
    assert.equal(await codeOf(first.filename), "served");
    upstream.add({ ...second, evidence: new Map() });
    assert.equal(await codeOf(second.filename), "GATEWAY_ATTESTATION_LOST");
    assert.deepEqual(await alarms(), ["GATEWAY_ATTESTATION_LOST"]);
  });

  test("of two at once, one is first", async () => {
    upstream.add(foreign);
    gate = await gatewayFor(opened, upstream, { config, policy: {} });
    const codes = await Promise.all([codeOf(first.filename), codeOf(foreign.filename)]);
    assert.deepEqual(codes.sort(), ["GATEWAY_IDENTITY_CHANGED", "served"]);
  });

  test("never makes do without a signature", async () => {
    upstream.add({ ...first, evidence: new Map() });
    gate = await gatewayFor(opened, upstream, { config, policy: {} });
    assert.equal(await codeOf(first.filename), "EVIDENCE_MISSING");
  });

  test("is off unless asked for", async () => {
    gate = await gatewayFor(opened, upstream, { policy: {} });
    assert.equal(await codeOf(first.filename), "IDENTITY_MISSING");
  });

  test("a change that the policy allows is served, with an alarm", async () => {
    const issuer = opened.stack.urls.gitlab;
    const identities = ["local/packages", "evil/packages"].map((project) => ({
      kind: "gitlab",
      issuer,
      project,
    }));
    gate = await gatewayFor(opened, upstream, {
      policy: { packages: { greeter: { identities } } },
    });
    upstream.add(foreign);
    assert.equal(await codeOf(first.filename), "served");
    assert.equal(await codeOf(foreign.filename), "served");
    assert.deepEqual(await alarms(), ["GATEWAY_IDENTITY_CHANGED"]);
  });
});

describe("what a file must show", () => {
  test("an upstream of attested files needs no more than the publish attestation", async () => {
    const name = `${first.filename}.publish.attestation`;
    const only = new Map([[name, first.evidence.get(name) ?? new Uint8Array()]]);
    upstream.add({ ...first, evidence: only });
    gate = await gatewayFor(opened, upstream);
    assert.equal(await codeOf(first.filename), "EVIDENCE_MISSING");
    await gate.remove();
    gate = await gatewayFor(opened, upstream, { upstream: { demands: "attested" } });
    assert.equal(await codeOf(first.filename), "served");
  });

  test("and refuses what is there beside it and is not good", async () => {
    const evidence = new Map(first.evidence);
    const signature = `${second.filename}.sig`;
    evidence.set(`${first.filename}.sig`, second.evidence.get(signature) ?? new Uint8Array());
    upstream.add({ ...first, evidence });
    gate = await gatewayFor(opened, upstream, { upstream: { demands: "attested" } });
    assert.equal(await codeOf(first.filename), "DETACHED_MISMATCH");
  });

  test("and refuses a file with no attestation at all", async () => {
    upstream.add({ ...first, evidence: new Map() });
    gate = await gatewayFor(opened, upstream, { upstream: { demands: "attested" } });
    assert.equal(await codeOf(first.filename), "EVIDENCE_MISSING");
  });

  test("a pinned digest needs no signature; another file does", async () => {
    upstream.add({ ...first, evidence: new Map() });
    upstream.add({ ...second, evidence: new Map() });
    const pins = [`sha256:${hex(sha256(first.content))}`];
    gate = await gatewayFor(opened, upstream, { policy: { packages: { greeter: { pins } } } });
    assert.equal(await codeOf(first.filename), "served");
    assert.equal(await codeOf(second.filename), "POLICY_PIN");
    const [accepted] = await gate.events();
    assert.match(accepted?.message ?? "", /pinned digest/);
  });

  test("a pin stands for a name that is not in normal form, too; nothing else does", async () => {
    const old = { ...first, filename: "Greeter-1.0.0-py3-none-any.whl", evidence: new Map() };
    upstream.add(old);
    const pins = [`sha256:${hex(sha256(first.content))}`];
    gate = await gatewayFor(opened, upstream, { policy: { packages: { greeter: { pins } } } });
    assert.equal(await codeOf(old.filename), "served");
    upstream.add({ ...second, filename: "Greeter-1.1.0-py3-none-any.whl" });
    assert.equal(await codeOf("Greeter-1.1.0-py3-none-any.whl"), "DIST_NAME");
    const dotted = { ...first, filename: "other.name-1.0.0-py3-none-any.whl" };
    upstream.add(dotted);
    assert.equal(await codeOf(dotted.filename), "INDEX_FILE");
  });

  test("a waiver excuses until its last day, without a restart", async () => {
    const evidence = new Map(first.evidence);
    evidence.delete(`${first.filename}.provenance.attestation`);
    upstream.add({ ...first, evidence });
    const expires = new Date(Date.now() + DAY).toISOString().slice(0, 10);
    const waiver = { package: "greeter", waives: ["provenance"], reason: "r", owner: "o", expires };
    const policy = { ...OWN_PROJECT(opened.stack.urls.gitlab), waivers: [waiver] };
    gate = await gatewayFor(opened, upstream, { policy });
    assert.equal(await codeOf(first.filename), "served");
    gate.clock.now += 3 * DAY;
    assert.equal(await codeOf(first.filename), "POLICY_WAIVER_EXPIRED");
  });

  test("local evidence stands in for a registry's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wheelseal-evidence-"));
    for (const [name, bytes] of first.evidence) await writeFile(`${folder}/${name}`, bytes);
    upstream.add({ ...first, evidence: new Map() });
    gate = await gatewayFor(opened, upstream, { upstream: { evidence: folder } });
    assert.equal(await codeOf(first.filename), "served");
    await rm(folder, { recursive: true });
  });

  test("a verdict under another policy counts no more", async () => {
    gate = await gatewayFor(opened, upstream);
    assert.equal(await codeOf(first.filename), "served");
    await gate.close();
    const policy = OWN_PROJECT("https://gitlab.example");
    gate = await gatewayFor(opened, upstream, { folder: gate.folder, policy });
    assert.equal(await codeOf(first.filename), "IDENTITY_ISSUER");
  });
});

test("a verdict under another trust root counts no more", async () => {
  gate = await gatewayFor(opened, upstream);
  assert.equal(await codeOf(first.filename), "served");
  gate.held.trust = { ...opened.trust, tlogs: [] };
  assert.equal(await codeOf(first.filename), "TLOG_UNKNOWN_LOG");
});

describe("time", () => {
  test("a new file cools down, marked as yanked until then", async () => {
    gate = await gatewayFor(opened, upstream, { config: { cooldown: "7d" } });
    assert.equal(await codeOf(first.filename), "served");
    upstream.add(second);
    assert.equal(await codeOf(second.filename), "GATEWAY_COOLDOWN");
    assert.equal(await codeOf(second.filename), "GATEWAY_COOLDOWN");
    const told = (await gate.events()).filter(({ code }) => code !== undefined);
    assert.equal(told.length, 1, "who asks often does not fill the trail");
    assert.match(String(await yankedOf(second.filename)), /^too new: served from /);
    gate.clock.now += 7 * DAY;
    assert.equal(await codeOf(second.filename), "served");
    assert.equal(await yankedOf(second.filename), false);
  });

  test("an upload time that is set back does not shorten it", async () => {
    gate = await gatewayFor(opened, upstream, { config: { cooldown: "7d" } });
    assert.equal(await codeOf(first.filename), "served");
    upstream.add(second);
    upstream.says.set(second.filename, { "upload-time": "2001-01-01T00:00:00Z" });
    assert.equal(await codeOf(second.filename), "GATEWAY_COOLDOWN");
  });

  test("a retraction that is known is no rollback", async () => {
    gate = await gatewayFor(opened, upstream, { config: { retracted: ["greeter==1.2"] } });
    upstream.add(second);
    assert.equal(await codeOf(second.filename), "served");
    upstream.files.delete(second.filename);
    assert.equal(await codeOf(first.filename), "GATEWAY_ROLLBACK");
    await gate.remove();
    gate = await gatewayFor(opened, upstream, { config: { retracted: ["greeter==1.1"] } });
    upstream.add(second);
    assert.equal(await codeOf(second.filename), "served");
    upstream.files.delete(second.filename);
    assert.equal(await codeOf(first.filename), "served");
    assert.equal(await yankedOf(second.filename), "listed no more by the upstream");
  });
});

describe("a dry run", () => {
  test("serves what it would refuse, says so, and puts it on the trail", async () => {
    upstream.add({ ...first, evidence: new Map() });
    gate = await gatewayFor(opened, upstream, { config: { mode: "dry-run" } });
    const answer = await gate.get(first.filename);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-wheelseal-would-refuse"), "EVIDENCE_MISSING");
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), first.content);
    assert.equal((await gate.events())[0]?.code, "EVIDENCE_MISSING");
  });

  test("what it let through is refused once it is over", async () => {
    upstream.add({ ...first, evidence: new Map() });
    gate = await gatewayFor(opened, upstream, { config: { mode: "dry-run" } });
    assert.equal(await codeOf(first.filename), "served");
    await gate.close();
    gate = await gatewayFor(opened, upstream, { folder: gate.folder });
    assert.equal(await codeOf(first.filename), "EVIDENCE_MISSING");
  });

  test("serves no bytes that are not those of the page", async () => {
    upstream.instead = ({ url }) => (url.endsWith(".whl") ? new Response("evil") : undefined);
    gate = await gatewayFor(opened, upstream, { config: { mode: "dry-run" } });
    assert.equal(await codeOf(first.filename), "INDEX_DIGEST");
  });
});

test("the audit trail is exported as JSON, CSV and SARIF", async () => {
  upstream.add({ ...second, evidence: new Map() });
  gate = await gatewayFor(opened, upstream);
  await codeOf(first.filename);
  await codeOf(second.filename);
  const events = await gate.events();
  const json = JSON.parse(formatAudit("json", events));
  assert.deepEqual(
    json.events.map(({ kind, code }: { kind: string; code?: string }) => [kind, code]),
    [
      ["accepted", undefined],
      ["alarm", "GATEWAY_ATTESTATION_LOST"],
    ],
  );
  const csv = formatAudit("csv", [...events, { ...events[0]!, message: '=1,"x"' }]).split("\r\n");
  assert.equal(csv[0], "at,kind,code,project,filename,sha256,message");
  assert.equal(csv.length, 4);
  assert.match(csv[3] ?? "", /,"'=1,""x"""$/);
  const sarif = JSON.parse(formatAudit("sarif", events));
  const [run] = sarif.runs;
  assert.equal(run.results.length, 1);
  assert.equal(run.results[0].level, "error");
  assert.equal(run.tool.driver.rules[run.results[0].ruleIndex].id, run.results[0].ruleId);
});
