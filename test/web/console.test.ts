import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type DefaultTreeAdapterTypes, parse } from "parse5";
import type { EventRow, FileRow, SignerRow, SigningRow } from "../../src/web/console.ts";
import { dayChart, growthChart } from "../../src/web/console-charts.ts";
import { eventsBody, overviewBody, waiversBody } from "../../src/web/console-events.ts";
import { entryBody, logBody, signerBody, signingsBody } from "../../src/web/console-log.ts";
import { fileBody, packageBody, packagesBody } from "../../src/web/console-packages.ts";
import { consolePage } from "../../src/web/console-shell.ts";
import { type Html, html } from "../../src/web/html.ts";

const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\u0000`;

const file: FileRow = {
  ...{ project: HOSTILE, version: HOSTILE, filename: HOSTILE, sha256: HOSTILE, at: 1 },
  ...{ state: "refused", code: HOSTILE, message: HOSTILE, identity: HOSTILE, source: 0 },
};
const signer: SignerRow = {
  ...{ id: 1, identity: HOSTILE, issuer: HOSTILE, signings: 1, firstAt: 1, lastAt: 2 },
};
const signing: SigningRow = {
  ...{
    seq: 1,
    at: 1,
    entry: 1,
    kind: HOSTILE,
    sha256: HOSTILE,
    identity: HOSTILE,
    issuer: HOSTILE,
  },
};
const event: EventRow = {
  ...{ seq: 1, at: 1, kind: "alarm", project: HOSTILE, filename: HOSTILE, sha256: HOSTILE },
  ...{ code: HOSTILE, message: HOSTILE },
};
const claims = { "12": HOSTILE, "13": HOSTILE, "14": HOSTILE, "21": HOSTILE, "11": HOSTILE };
const head = { name: HOSTILE, size: 3, root: HOSTILE };
const days = [{ day: 100, count: 3 }];
const next = HOSTILE;
const totals = {
  packages: 1,
  files: 3,
  verified: 1,
  refused: 1,
  signings: 1,
  signers: 1,
  alarms: 1,
};

/** Every page, with hostile text wherever there can be text. */
const PAGES: Readonly<Record<string, Html>> = {
  overview: overviewBody({
    totals,
    bad: [event, { ...event, project: "" }, { ...event, filename: "" }],
    latest: [event],
    signers: [signer],
    heads: [head],
  }),
  packages: packagesBody(
    {
      rows: [
        { project: HOSTILE, files: 2, verified: 1, refused: 1, lastAt: 1, lastVersion: HOSTILE },
      ],
      next,
    },
    { rows: [] },
    HOSTILE,
  ),
  package: packageBody(
    { project: HOSTILE, files: 2, verified: 1, refused: 1, lastAt: 1, lastVersion: HOSTILE },
    { rows: [file], next: 3 },
    HOSTILE,
  ),
  file: fileBody({
    row: file,
    size: 1,
    summary: HOSTILE,
    requiresPython: HOSTILE,
    license: HOSTILE,
    kept: {
      at: 1,
      proofs: [
        {
          ...{ kind: HOSTILE, code: HOSTILE, identity: HOSTILE, issuer: HOSTILE, claims },
          ...{ times: [HOSTILE], entries: [HOSTILE] },
        },
      ],
    },
  }),
  log: logBody({
    heads: [head],
    growth: [{ at: 1, size: 1 }],
    found: {
      query: HOSTILE,
      signings: { rows: [signing], next },
      files: [file],
      signers: [signer],
    },
    consistency: {
      ...{ first: 1, second: 2, firstRoot: HOSTILE, secondRoot: HOSTILE, hashes: [HOSTILE] },
      failure: { code: HOSTILE, message: HOSTILE, hint: HOSTILE },
    },
    own: true,
  }),
  entry: entryBody({
    ...{ index: 1, at: 1, leafHash: HOSTILE, kind: HOSTILE, sha256: HOSTILE },
    signers: [{ identity: HOSTILE, issuer: HOSTILE, claims }],
    ...{ treeSize: 3, rootHash: HOSTILE, hashes: [HOSTILE], included: true },
    ...{ origin: HOSTILE, body: HOSTILE },
  }),
  signings: signingsBody({ rows: [signer], next }, days, 100),
  signer: signerBody(signer, { rows: [signing], next }, days, { today: 100, own: false }),
  refusals: eventsBody({ rows: [event], next }, "/console/refusals", {
    caption: HOSTILE,
    none: HOSTILE,
  }),
  waivers: waiversBody(
    [
      {
        ...{ package: HOSTILE, version: HOSTILE, waives: [HOSTILE], reason: HOSTILE },
        ...{ owner: HOSTILE, expires: HOSTILE, endsAt: 5 },
      },
    ],
    1,
    HOSTILE,
  ),
};

type Node = DefaultTreeAdapterTypes.Node;

const elements = (node: Node): DefaultTreeAdapterTypes.Element[] => [
  ...("tagName" in node ? [node] : []),
  ...("childNodes" in node ? node.childNodes.flatMap(elements) : []),
];

describe("hostile text stays text", () => {
  for (const [name, body] of Object.entries(PAGES)) {
    test(`on the page ${name}`, () => {
      const page = consolePage({ of: "stack", area: "log", title: HOSTILE, lead: HOSTILE, body });
      const all = elements(parse(page));
      const scripts = all.filter(({ tagName }) => tagName === "script");
      assert.deepEqual(
        scripts.map(({ attrs }) => attrs.map((attr) => `${attr.name}=${attr.value}`).join(" ")),
        ["src=/console/live.js defer="],
      );
      const made = ["img", "iframe", "object", "embed", "base", "style"];
      assert.deepEqual(
        all.filter(({ tagName }) => made.includes(tagName)),
        [],
      );
      for (const { tagName, attrs } of all) {
        for (const attr of attrs) {
          assert.doesNotMatch(attr.name, /^on|^style$|^srcdoc$/, tagName);
          if (!["href", "src", "action"].includes(attr.name)) continue;
          assert.match(attr.value, /^(\/console\/|#main$)/, `${tagName} ${attr.name}`);
        }
      }
      assert.ok(!page.includes("\u202e") && !page.includes("\u0000"));
    });
  }
});

test("a chart says what it shows, and has the same as a table", () => {
  const { html: drawn } = dayChart("x", "Signings a day", [{ day: 100, count: 1234 }], {
    from: 90,
    to: 100,
  });
  assert.match(drawn, /role="img"[^>]*aria-labelledby="x-title x-desc"/);
  assert.match(drawn, /<desc id="x-desc">1,234 from 1970-04-01 to 1970-04-11, at most 1,234 a day/);
  assert.match(drawn, /<td data-name="Day">1970-04-11<\/td><td class="num"[^>]*>1,234</);
  assert.equal((drawn.match(/class="column"/g) ?? []).length, 1);
  assert.match(growthChart("g", []).html, /The log is empty/);
  const grown = growthChart("g", [
    { at: 0, size: 1 },
    { at: 1000, size: 5 },
  ]).html;
  assert.match(grown, /From 1 to 5 entries/);
});

test("failures come first, and what is not checked is not called verified", () => {
  const row = { project: "p", files: 2, verified: 0, refused: 1, lastAt: 1, lastVersion: "1" };
  const good = { ...file, filename: "good.whl", state: "verified" as const };
  const body = packageBody(row, { rows: [good, { ...file, filename: "bad.whl" }] }, undefined).html;
  assert.ok(body.indexOf("bad.whl") < body.indexOf("good.whl"));
  const unchecked = { ...file, state: "unchecked" as const };
  const page = fileBody({ row: unchecked, size: 1, summary: "", requiresPython: "", license: "" });
  assert.match(page.html, /not checked yet/);
  assert.doesNotMatch(page.html, />verified</);
});

test("a waiver that is over is said to be over", () => {
  const waiver = {
    ...{ package: "p", version: "1", waives: ["publish"], reason: "r", owner: "o" },
    ...{ expires: "2026-01-31", endsAt: 10 * 86_400_000 },
  };
  assert.match(waiversBody([waiver], 9.5 * 86_400_000, "x").html, />1 day left</);
  assert.match(waiversBody([waiver], 10 * 86_400_000, "x").html, />over</);
});

test("lists that are behind say so", () => {
  const page = { of: "gateway", area: "", title: "t", body: html`` } as const;
  assert.match(consolePage({ ...page, behind: 1234 }), /1,234 entries behind/);
  assert.match(consolePage({ ...page, behind: Number.POSITIVE_INFINITY }), /lists are behind/);
  assert.doesNotMatch(consolePage(page), /behind/);
});
