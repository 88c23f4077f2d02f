import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { consolePages } from "../../src/cli/console-pages.ts";
import { consoleQueries } from "../../src/cli/console-queries.ts";
import { type ConsoleDatabase, openConsoleDatabase } from "../../src/cli/console-schema.ts";

const SIZES = {
  small: { signings: 1_000, packages: 100 },
  large: { signings: 1_000_000, packages: 10_000 },
};

/** Rows made by SQLite itself: a million appends one by one are another test's subject. */
const fill = (database: ConsoleDatabase, { signings, packages }: (typeof SIZES)["small"]): void => {
  const upTo = (count: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})`;
  database.exec(`BEGIN;
    INSERT INTO signing (at, signer, entry, kind, sha256)
      ${upTo(signings)} SELECT i * 1000, 1 + i % 500, i, 'dsse', printf('%064x', i % 5000) FROM n;
    INSERT INTO signer (id, identity, issuer, signings, first_at, last_at)
      ${upTo(500)} SELECT i + 1, 'signer ' || i, 'them', 2000, i, i * 7 FROM n;
    INSERT INTO signer_day ${upTo(600)} SELECT 0, i, 100 FROM n;
    INSERT INTO package
      ${upTo(packages)} SELECT printf('package-%05d', i), 10, 9, i % 3 = 0, i, '1.0' FROM n;
    INSERT INTO file (project, version, filename, sha256, at, state, code, message, identity, source)
      ${upTo(packages)} SELECT 'package-00001', '1.' || i, 'f' || i, printf('%064x', i), i,
        'verified', '', '', 'me', i FROM n;
    INSERT INTO event (at, kind, project, filename, sha256, code, message)
      ${upTo(packages * 10)} SELECT i, iif(i % 1000 = 0, 'alarm', 'accepted'), 'package-00001', 'f',
        'x', '', '' FROM n;
    COMMIT`);
};

/** The pages over such rows, and how many statements were run for them. */
const openPages = (size: (typeof SIZES)["small"]) => {
  const database = openConsoleDatabase(":memory:", "scale");
  fill(database, size);
  let run = 0;
  const counting = new Proxy(database, {
    get: (target, name) => {
      if (name === "prepare") run += 1;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const pages = consolePages({
    queries: consoleQueries(counting),
    now: () => 600 * 86_400_000,
    settle: async () => 0,
    file: async (row) => ({ row, size: 1, summary: "", requiresPython: "", license: "" }),
    publisher: async () => undefined,
    shown: () => undefined,
    log: undefined,
    waivers: () => ({ rows: [], policy: "none" }),
    leads: { overview: "", packages: "", log: "", refusals: "" },
  });
  return {
    close: () => database.close(),
    /** The page at this address, the number of statements, and how long it took. */
    get: async (path: string) => {
      const { pathname, searchParams: query } = new URL(path, "http://console.test/");
      const parts = pathname.split("/").filter((part) => part !== "");
      run = 0;
      const started = performance.now();
      const page = await pages({ parts, query });
      return { page, statements: run, time: performance.now() - started };
    },
  };
};

const PATHS = [
  "",
  "packages",
  "packages?after=package-00060",
  "packages?q=package-0000",
  "packages/package-00001",
  "packages/package-00001?before=70",
  "log",
  "log?before=500",
  "log?q=700",
  `log?q=${"0".repeat(62)}ff`,
  "log?q=signer+7",
  "signings",
  "signings/7",
  "signings/7?before=900",
  "refusals",
  "changes",
];

describe("10,000 packages and 1,000,000 signings", () => {
  let small: ReturnType<typeof openPages>;
  let large: ReturnType<typeof openPages>;
  before(() => {
    small = openPages(SIZES.small);
    large = openPages(SIZES.large);
  });
  after(() => {
    small?.close();
    large?.close();
  });

  for (const path of PATHS) {
    test(`/${path} asks as often, and shows no more, than for a hundred packages`, async (t) => {
      const few = await small.get(path);
      const many = await large.get(path);
      assert.ok(few.page !== undefined && many.page !== undefined);
      assert.equal(many.statements, few.statements);
      const rows = many.page.body.html.split("<tr>").length;
      assert.ok(rows > 1 && rows < 200, `${rows} rows`);
      t.diagnostic(`${many.time.toFixed(1)} ms`);
    });
  }
});
