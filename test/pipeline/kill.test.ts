import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { STAGES, type StageName } from "../../src/stages/events.ts";
import { commitAll, ownBackend, write } from "../stages/build-support.ts";
import { runCommand, startCommand, temporary } from "./command.ts";

/**
 * SIGKILL takes the pipeline away, the local stack with it. Running again must complete: no stage
 * may need what the killed run had in memory, or trip over what it left half done.
 */
const template = temporary();

/** Building again would be a conflict with what is published already. */
const NEVER_THE_SAME = 'open("tiny_pkg.py", "a").write(f"# {os.urandom(8).hex()}\\n")';

before(async () => {
  const project = join(template.path, "project");
  write(project, { ...ownBackend(NEVER_THE_SAME), ".gitignore": "dist\n" });
  commitAll(project);
  cpSync(project, join(template.path, "unbuilt"), { recursive: true });
  const built = await runCommand(["build", project, "--reproducible"]);
  assert.equal(built.code, 0, built.stderr);
});

after(() => template.remove());

type Place = { readonly project: string; readonly state: string; readonly remove: () => void };

const openPlace = (built: boolean): Place => {
  const { path, remove } = temporary();
  const project = join(path, "project");
  cpSync(join(template.path, built ? "project" : "unbuilt"), project, { recursive: true });
  return { project, state: join(path, "state"), remove };
};

const args = ({ project, state }: Place, ...more: string[]): string[] => [
  ...["pipeline", project, "--profile", "local", "--state", state, "--reproducible", ...more],
];

/** Runs the pipeline and kills it at the `nth` line that matches. */
const killAt = async (place: Place, line: RegExp, nth = 1): Promise<void> => {
  let seen = 0;
  const running = startCommand(args(place), {
    onLine: (text, child) => {
      if (!line.test(text)) return;
      seen += 1;
      if (seen === nth) child.kill("SIGKILL");
    },
  });
  const { code, stderr } = await running.ended;
  assert.equal(code, null, `it was not killed:\n${stderr}`);
};

/** The next run completes: outsiders get what was built, and nothing half written stays. */
const completes = async (place: Place): Promise<void> => {
  const { code, stdout, stderr } = await runCommand(args(place, "--json"));
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.ok, true);
  assert.deepEqual(report.imported, ["tiny_pkg"]);
  const built = report.record.distributions.map(({ sha256 }: { sha256: string }) => sha256);
  const index = await indexed(place);
  assert.deepEqual(index.toSorted(), built.toSorted());
  const left = readdirSync(join(place.project, "dist")).filter((name) => name.startsWith("."));
  assert.deepEqual(left, []);
};

/** The digests that the registry lists, from its own records. */
const indexed = async ({ state }: Place): Promise<string[]> => {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(state, "registry", "registry.sqlite"), { readOnly: true });
  const rows = database
    .prepare(
      "SELECT f.sha256 FROM package_file f JOIN package p ON p.id = f.package_id WHERE p.kind = 'pypi'",
    )
    .all();
  database.close();
  return rows.map(({ sha256 }) => String(sha256));
};

type Moment = readonly [line: RegExp, nth?: number];

/** When each stage begins, and in the midst of it. */
const MOMENTS: Readonly<Record<StageName, readonly Moment[]>> = {
  build: [[/^Build …$/]],
  sign: [[/^Sign …$/], [/: signed as/]],
  verify: [[/^Verify …$/], [/\.whl: verified$/]],
  publish: [[/^Publish …$/], [/\.(whl|tar\.gz): uploaded$/]],
  "publish-signatures": [[/^Publish signatures …$/], [/\.sig: uploaded$/]],
  consume: [[/^Consumer verification …$/], [/\.whl: verified$/, 2]],
};

describe("a pipeline that is killed", { concurrency: 2 }, () => {
  for (const stage of STAGES) {
    test(`in ${stage} completes when it is run again`, async () => {
      const place = openPlace(stage !== "build");
      for (const [line, nth] of MOMENTS[stage]) await killAt(place, line, nth);
      await completes(place);
      place.remove();
    });
  }

  test("again and again, at moments of chance, completes in the end", async (t) => {
    const place = openPlace(false);
    for (let run = 0; run < 5; run += 1) {
      const running = startCommand(args(place));
      const delay = Math.floor(Math.random() * 4000);
      t.diagnostic(`killed after ${delay} ms`);
      await sleep(delay);
      running.child.kill("SIGKILL");
      await running.ended;
    }
    await completes(place);
    place.remove();
  });
});

test("a stack that is killed while it is published to can be started again", async () => {
  const place = openPlace(true);
  const up = () => startCommand(["up", "--state", place.state, "--json"]);
  const started = async (stack: ReturnType<typeof up>) => {
    const [line] = await Promise.race([
      new Promise<string[]>((done) =>
        stack.child.stdout?.once("data", (text) => done([String(text)])),
      ),
      stack.ended.then(({ stderr }) => assert.fail(stderr)),
    ]);
    return JSON.parse(line ?? "") as { urls: { gitlab: string } };
  };
  const first = up();
  const { urls } = await started(first);
  const running = startCommand(args(place), {
    onLine: (text) => {
      if (/\.crt: uploaded$/.test(text)) first.child.kill("SIGKILL");
    },
  });
  const stopped = await running.ended;
  assert.equal(stopped.code, 3, stopped.stderr);
  assert.match(stopped.stderr, /error\[NETWORK_UNREACHABLE\]/);
  assert.equal((await first.ended).code, null);
  const second = up();
  assert.deepEqual((await started(second)).urls, urls, "certificates name the issuer's URL");
  await completes(place);
  second.child.kill("SIGTERM");
  const ended = await second.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.throws(() => readFileSync(join(place.state, "stack.json")));
  place.remove();
});
