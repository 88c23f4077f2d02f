import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { formatTrustedRoot } from "../../src/formats/trusted-root.ts";
import type { Alarm } from "../../src/monitor/alarm.ts";
import { openMonitorState } from "../../src/monitor/monitor-state.ts";
import { type Listener, listen } from "../../src/services/listener.ts";
import { runCommand, startCommand } from "../pipeline/command.ts";
import { forgeLeaf, ISSUER, TRUST } from "../verification/forge.ts";
import { answersOf, type FakeTree, fakeTree } from "./fake-log.ts";
import { entryBy, others } from "./scene.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-monitor-"));
const leaf = forgeLeaf();
const tree: FakeTree = { ...fakeTree(others(700)), host: "127.0.0.1" };
let listener: Listener;
let url: string;
/** Alarms as the webhook got them. */
const posted: Alarm[] = [];
let webhook = 200;
let onCall: (path: string) => void | Promise<void> = () => undefined;

before(async () => {
  listener = unwrap(await listen(0));
  url = `http://127.0.0.1:${listener.port}`;
  const answers = answersOf(1, [tree]);
  listener.serve(async (request) => {
    const path = new URL(request.url).pathname;
    await onCall(path);
    if (path !== "/hook") return answers(request);
    const { alarm } = (await request.json()) as { alarm: Alarm };
    assert.equal(request.headers.get("idempotency-key"), alarm.id);
    if (webhook === 200) posted.push(alarm);
    return new Response("", { status: webhook });
  });
  const [log] = TRUST.tlogs;
  const root = { ...TRUST, tlogs: [{ ...log!, baseUrl: url }] };
  writeFileSync(join(folder, "root.json"), formatTrustedRoot(root));
  mkdirSync(join(folder, "records"));
});
after(async () => {
  await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

const args = (state: string, ...more: string[]) => [
  ...["monitor", "--trusted-root", "root.json", "--issuer", ISSUER, "--project", "acme/widgets"],
  ...["--records", "records", "--state", state, ...more],
];
const at = () => ({ cwd: folder, env: { HOOK: `${url}/hook` } });
const run = (state: string, ...more: string[]) => runCommand(args(state, ...more), at());

test("killed at any moment: nothing is left out, read twice, or forgotten", async () => {
  const mine = [3, 319, 320, 321, 500, 699];
  for (const index of mine) tree.bodies[index] = entryBy(leaf, `mine ${index}`);
  const flags = ["--from-index", "0", "--webhook-url-env", "HOOK"];
  let kills = 0;
  for (let call = 2; ; call += 15) {
    let calls = 0;
    const { child, ended } = startCommand(args("killed", ...flags), at());
    onCall = () => {
      calls += 1;
      if (calls === call) child.kill("SIGKILL");
    };
    if ((await ended).code !== null) break;
    kills += 1;
  }
  onCall = () => undefined;
  assert.ok(kills > 2, `${kills} kills`);
  assert.deepEqual(
    [...new Set(posted.map(({ entry }) => entry?.index))].toSorted((a, b) => a! - b!),
    mine,
  );
  assert.equal(new Set(posted.map(({ id }) => id)).size, mine.length);
  const state = unwrap(openMonitorState(join(folder, "killed"), 0));
  const [kept] = state.trees();
  assert.deepEqual([kept?.counts.read, kept?.counts.mine, state.alarms().length], [700, 6, 6]);
  state.close();
  const quiet = await run("killed", "--json");
  assert.deepEqual([quiet.code, JSON.parse(quiet.stdout).alarms], [0, []]);
  const listed = await runCommand(["monitor", "alarms", "--state", "killed"], at());
  const ids = new Set(JSON.parse(listed.stdout).map(({ id }: Alarm) => id));
  assert.deepEqual([listed.code, ids], [0, new Set(posted.map(({ id }) => id))]);
});

test("an alarm stays until somebody was told", async () => {
  const before = posted.length;
  const flags = ["--from-index", "699", "--webhook-url-env", "HOOK", "--json"];
  webhook = 410;
  const first = await run("untold", ...flags);
  const document = JSON.parse(first.stdout);
  assert.deepEqual(
    [first.code, document.alarms.length, document.untold.code],
    [1, 1, "NETWORK_RESPONSE"],
  );
  assert.doesNotMatch(first.stdout + first.stderr, /\/hook/);
  webhook = 200;
  const second = await run("untold", ...flags);
  assert.deepEqual([second.code, posted.length - before], [1, 1]);
  const third = await run("untold", ...flags);
  assert.deepEqual([third.code, posted.length - before], [0, 1]);
});

test("a record that comes within the grace leaves no alarm", async () => {
  const flags = ["--from-index", "699", "--json", "--grace", "1h"];
  const first = await run("grace", ...flags);
  assert.deepEqual([first.code, JSON.parse(first.stdout).waiting], [0, 1]);
  const list = join(folder, "records", "known.sha256");
  writeFileSync(list, hex(sha256(utf8("mine 699"))));
  const second = await run("grace", ...flags);
  assert.deepEqual([second.code, JSON.parse(second.stdout).waiting], [0, 0]);
  rmSync(list);
});

test("issues are written for GitLab, to a file or to stdout", async () => {
  const flags = ["--from-index", "699", "--gitlab-issues"];
  await run("issues", ...flags, "issues.json");
  const [issue] = JSON.parse(readFileSync(join(folder, "issues.json"), "utf8"));
  assert.match(issue.title, /^MONITOR_UNKNOWN: entry 699: /);
  const { stdout, stderr } = await run("issues-out", ...flags, "-");
  assert.equal(JSON.parse(stdout)[0].title, issue.title);
  assert.match(stderr, /alarm\[MONITOR_UNKNOWN\]/);
});

test("a configuration says the same as flags, with paths beside it", async () => {
  mkdirSync(join(folder, "conf", "mine"), { recursive: true });
  writeFileSync(
    join(folder, "conf", "monitor.toml"),
    `records = ["mine"]
state = "state"

[[logs]]
url = "${url}"
api = 1

[[identities]]
kind = "gitlab"
issuer = "${ISSUER}"
project = "acme/widgets"
`,
  );
  const config = ["monitor", "--config", "conf/monitor.toml", "--trusted-root", "root.json"];
  const { code, stderr } = await runCommand([...config, "--from-index", "699"], at());
  assert.equal(code, 1, stderr);
  assert.ok(readFileSync(join(folder, "conf", "state", "monitor.db")).length > 0);
});

test("following makes pass after pass, until it is ended", async () => {
  const flags = ["--interval", "1s", "--json"];
  const { child, ended } = startCommand(args("follow", ...flags), at());
  let calls = 0;
  onCall = (path) => {
    if (path !== "/api/v1/log") return;
    calls += 1;
    if (calls === 2) tree.bodies.push(entryBy(leaf, "while following"));
    if (calls === 3) child.kill("SIGTERM");
  };
  const { code, stdout, stderr } = await ended;
  onCall = () => undefined;
  assert.deepEqual([code, stderr], [0, ""]);
  const passes = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(passes.map(({ alarms }) => alarms.length).slice(0, 3), [0, 1, 0]);
});

test("two monitors do not share a state", async () => {
  const state = unwrap(openMonitorState(join(folder, "shared"), 0));
  const { code, stderr } = await run("shared");
  assert.equal(code, 1);
  assert.match(stderr, /error\[STATE_LOCKED\]/);
  state.close();
});

test("a log that is not there is exit code 3", async () => {
  const free = unwrap(await listen(0));
  await free.close();
  const [log] = TRUST.tlogs;
  const root = { ...TRUST, tlogs: [{ ...log!, baseUrl: `http://127.0.0.1:${free.port}` }] };
  writeFileSync(join(folder, "gone.json"), formatTrustedRoot(root));
  const { code, stderr } = await run("gone", "--trusted-root", "gone.json");
  assert.equal(code, 3);
  assert.match(stderr, /error\[NETWORK_UNREACHABLE\]/);
});
