import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { consoleIndex } from "../../src/cli/console-index.ts";
import { consoleQueries, PAGE, statements } from "../../src/cli/console-queries.ts";
import {
  type ConsoleDatabase,
  emptyConsoleDatabase,
  openConsoleDatabase,
} from "../../src/cli/console-schema.ts";
import type { FileRow } from "../../src/web/console.ts";

const DAY = 86_400_000;

const fileOf = (project: string, version: string, more: Partial<FileRow> = {}): FileRow => ({
  ...{ project, version, filename: `${project}-${version}.whl`, sha256: "ab", at: 1 },
  ...{ state: "unchecked", code: "", message: "", identity: "me", source: 0 },
  ...more,
});

const signingOf = (entry: number, identity = "me") => ({
  ...{ at: entry * 1000, identity, issuer: "them", entry, kind: "dsse", sha256: `d${entry}` },
});

const SIGNER = "SEARCH w USING INTEGER PRIMARY KEY (rowid=?)";
/** Of a page at most: the walk before it ends there. */
const SORT = "USE TEMP B-TREE FOR ORDER BY";
const EVENTS = "SEARCH event USING INDEX event_by_kind (kind=? AND seq<?)";

/** How SQLite comes to each list: nothing is scanned, and nothing sorted but pages of events. */
const PLANS: Readonly<Record<keyof ReturnType<typeof statements>, readonly string[]>> = {
  packages: ["SEARCH package USING PRIMARY KEY (project>? AND project<?)"],
  refusedPackages: ["SEARCH package USING INDEX package_refused (project>? AND project<?)"],
  files: ["SEARCH file USING INDEX file_by_project (project=? AND id<?)"],
  events: [EVENTS, SORT, EVENTS, SORT],
  signers: ["SEARCH signer USING INDEX signer_by_time (last_at<?)"],
  signings: ["SEARCH s USING INTEGER PRIMARY KEY (rowid<?)", SIGNER],
  bySigner: [SIGNER, "SEARCH s USING INDEX signing_by_signer (signer=? AND seq<?)"],
  bySha256: ["SEARCH s USING INDEX signing_by_digest (sha256=? AND seq<?)", SIGNER],
  byEntry: ["SEARCH s USING INDEX signing_by_entry (entry=? AND seq<?)", SIGNER],
  days: ["SEARCH signer_day USING PRIMARY KEY (signer=? AND day>?)"],
};

describe("what the console lists", () => {
  let database: ConsoleDatabase;
  before(() => {
    database = openConsoleDatabase(":memory:", "a");
  });
  after(() => database.close());
  const opened = () => {
    emptyConsoleDatabase(database, "a");
    return { index: consoleIndex(database), queries: consoleQueries(database) };
  };

  test("counts files by their state, and follows a verdict", () => {
    const { index, queries } = opened();
    index.putFile(fileOf("one", "1"));
    index.putFile(fileOf("one", "2", { at: 5 }));
    index.putFile(fileOf("two", "1", { state: "refused" }));
    index.setVerdict("one", "one-1.whl", { state: "verified", code: "", message: "" });
    const { packages, files, verified, refused } = queries.totals();
    assert.deepEqual([packages, files, verified, refused], [2, 3, 1, 1]);
    index.setVerdict("one", "one-1.whl", { state: "refused", code: "X", message: "y" });
    assert.deepEqual(
      { ...queries.package("one") },
      {
        ...{ project: "one", files: 2, verified: 0, refused: 1, lastAt: 5, lastVersion: "2" },
      },
    );
    assert.deepEqual(
      queries.packages("", "", true).rows.map(({ project }) => project),
      ["one", "two"],
    );
    index.setVerdict("nobody", "x", { state: "refused", code: "", message: "" });
    assert.equal(queries.totals().refused, 2);
  });

  test("gives the file of the package before it, which tells of another signer", () => {
    const { index } = opened();
    assert.equal(index.putFile(fileOf("one", "1")).before, undefined);
    assert.equal(index.putFile(fileOf("one", "2", { identity: "x" })).before?.identity, "me");
    assert.equal(index.putFile(fileOf("one", "1", { identity: "y" })).before?.identity, "me");
  });

  test("pages through everything once, at ties of time too", () => {
    const { index, queries } = opened();
    const total = 2 * PAGE + 3;
    index.atomically(() => {
      for (let i = 0; i < total; i += 1) {
        index.putFile(fileOf(`p${String(i).padStart(4, "0")}`, "1"));
        index.putFile(fileOf("many", String(i)));
        index.addSigning({ ...signingOf(1, `signer ${i}`), at: 7 });
        const about = { project: "", filename: "", sha256: "", code: "", message: String(i) };
        index.addEvent({ at: i, kind: i % 2 === 0 ? "alarm" : "refused", ...about });
      }
    });
    const walk = <T>(next: (at: string | undefined) => { rows: readonly T[]; next?: unknown }) => {
      const rows: T[] = [];
      let at: string | undefined;
      do {
        const page = next(at);
        assert.ok(page.rows.length <= PAGE);
        rows.push(...page.rows);
        at = page.next === undefined ? undefined : String(page.next);
      } while (at !== undefined);
      return rows;
    };
    const top = Number.MAX_SAFE_INTEGER;
    const names = walk((at) => queries.packages(at ?? "", "", false)).map((row) => row.project);
    assert.equal(new Set(names).size, total + 1);
    const files = walk((at) => queries.files("many", at === undefined ? top : Number(at)));
    assert.equal(new Set(files.map((row) => row.filename)).size, total);
    const signers = walk((at) => queries.signers(at));
    assert.equal(new Set(signers.map((row) => row.identity)).size, total);
    const events = walk((at) =>
      queries.events(["alarm", "refused"], at === undefined ? top : Number(at)),
    );
    assert.deepEqual(
      events.map((row) => row.message),
      Array.from({ length: total }, (_, i) => String(total - 1 - i)),
    );
    const signings = walk((at) => queries.signings(undefined, at === undefined ? top : Number(at)));
    assert.equal(signings.length, total);
  });

  test("finds signings by identity, digest and entry, and counts them by day", () => {
    const { index, queries } = opened();
    const at = { ...signingOf(3), at: 5 * DAY };
    index.addSigning(at);
    index.addSigning({ ...signingOf(4, "other"), at: 6 * DAY });
    assert.ok(index.hasSigning(at));
    assert.ok(!index.hasSigning({ ...at, entry: 9 }));
    const [me] = queries.signersNamed("me");
    const top = Number.MAX_SAFE_INTEGER;
    for (const find of [
      { by: "signer", value: me?.id ?? 0 },
      { by: "sha256", value: "d3" },
      { by: "entry", value: 3 },
    ] as const) {
      assert.deepEqual(
        queries.signings(find, top).rows.map((row) => row.entry),
        [3],
        find.by,
      );
    }
    assert.deepEqual(
      queries.days(0, 0).map((row) => ({ ...row })),
      [
        { day: 5, count: 1 },
        { day: 6, count: 1 },
      ],
    );
    assert.equal(queries.days(me?.id ?? 0, 6).length, 0);
  });

  test("forgets old events that are about no package, and no others", () => {
    const { index, queries } = opened();
    const about = { filename: "", sha256: "", code: "", message: "" };
    for (const [i, project] of ["p", "", "", "p", ""].entries()) {
      index.addEvent({ at: i, kind: "refused", project, ...about });
    }
    index.trimEvents(2);
    index.trimEvents(9);
    const kept = queries.events(["refused"], Number.MAX_SAFE_INTEGER).rows.map(({ at }) => at);
    assert.deepEqual(kept, [4, 3, 2, 0]);
  });

  test("is made anew for another source, and kept for the same", () => {
    const { index } = opened();
    index.moveTo("log", 12);
    assert.equal(index.position("log"), 12);
    emptyConsoleDatabase(database, "b");
    assert.equal(consoleIndex(database).position("log"), 0);
  });

  // Wall time says little on a machine that others use; the plan says what grows with the rows.
  for (const [name, steps] of Object.entries(PLANS)) {
    test(`the query for ${name} walks an index from where the page begins`, () => {
      opened();
      const sql = statements(2)[name as keyof typeof PLANS];
      const plan = database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row.detail))
        .filter((step) => /^(SEARCH|SCAN|USE)/.test(step) && !step.includes("subquery"));
      assert.deepEqual(plan, steps);
      if (name !== "days") assert.match(sql, new RegExp(`LIMIT ${PAGE + 1}`));
    });
  }
});
