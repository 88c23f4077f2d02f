import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OfferedTree } from "../../src/clients/log-reader.ts";
import { rekorReaderAt } from "../../src/clients/log-reader-rekor.ts";
import { tilesReaderAt } from "../../src/clients/log-reader-tiles.ts";
import { base64, bigEndian, concat, hex, utf8 } from "../../src/formats/bytes.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { fakeOutside, jsonAnswer } from "./fake-outside.ts";

const tree: OfferedTree = { id: "7", checkpoint: "", active: true, offset: 100 };
const codeOf = (result: Result<unknown>) => (result.ok ? "ok" : result.error.code);

const raw = (bytes: Uint8Array, status = 200) =>
  new Response(bytes as Uint8Array<ArrayBuffer>, { status });

/** Bytes without end, as far as anybody reads them. */
const endless = () => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20);
  return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
};

describe("Rekor v1", () => {
  const reading = (...answers: readonly (Response | (() => Response | Error))[]) => {
    const { outside, calls } = fakeOutside(...answers);
    return { reader: rekorReaderAt("https://rekor.example/", outside), calls };
  };
  const shard = (changes: object = {}) => ({
    ...{ rootHash: "", signedTreeHead: "note", treeID: "7", treeSize: 5 },
    ...changes,
  });
  const entry = (logIndex: number, changes: object = {}) => ({
    [hex(leafHash(utf8("x")))]: {
      ...{ body: base64(utf8(`body ${logIndex}`)), logIndex, integratedTime: 1, logID: "" },
      verification: { inclusionProof: { logIndex: logIndex - 100, treeSize: 200, hashes: [] } },
      ...changes,
    },
  });

  it("numbers its trees through, the inactive ones first", async () => {
    const inactiveShards = [shard({ treeID: "5", treeSize: 3 }), shard({ treeID: "6" })];
    const { reader, calls } = reading(jsonAnswer({ ...shard(), inactiveShards }));
    assert.deepEqual(
      unwrap(await reader.trees()).map(({ id, active, offset }) => [id, active, offset]),
      [
        ["5", false, 0],
        ["6", false, 3],
        ["7", true, 8],
      ],
    );
    assert.equal(calls[0]?.url, "https://rekor.example/api/v1/log");
  });

  const STATES: readonly [string, unknown][] = [
    ["no id", shard({ treeID: "seven" })],
    ["a negative size", shard({ treeSize: -1 })],
    ["a size that cannot be counted", shard({ treeSize: "9007199254740993" })],
    ["no checkpoint", shard({ signedTreeHead: null })],
    [
      "shards without end",
      { ...shard(), inactiveShards: Array.from({ length: 65 }, () => shard()) },
    ],
    ["no object", []],
  ];
  for (const [name, state] of STATES) {
    it(`refuses a state with ${name}`, async () => {
      assert.equal(codeOf(await reading(jsonAnswer(state)).reader.trees()), "REKOR_RESPONSE");
    });
  }

  it("puts entries in order, asks alone for those that did not come, and passes over others", async () => {
    const first = [entry(102), entry(100), entry(999), entry(102, { body: "" })];
    const { reader, calls } = reading(jsonAnswer(first), jsonAnswer(entry(101)));
    const entries = unwrap(await reader.entries(tree, 0, 3));
    assert.deepEqual(
      entries.map(({ index }) => index),
      [0, 1, 2],
    );
    assert.deepEqual(
      entries.map(({ body }) => new TextDecoder().decode(body)),
      ["body 100", "body 101", "body 102"],
    );
    assert.deepEqual(
      calls.map(({ method, url }) => `${method} ${new URL(url).search}`),
      ["POST ", "GET ?logIndex=101"],
    );
  });

  const ENTRIES: readonly [string, Response[], string][] = [
    ["which it does not have", [jsonAnswer([]), jsonAnswer({}, 404)], "MONITOR_GAP"],
    ["and gives another", [jsonAnswer([]), jsonAnswer(entry(104))], "REKOR_RESPONSE"],
    ["and gives none", [jsonAnswer([]), jsonAnswer({})], "REKOR_RESPONSE"],
    [
      "and gives two for one",
      [jsonAnswer([]), jsonAnswer({ ...entry(100), more: entry(100) })],
      "REKOR_RESPONSE",
    ],
    [
      "without a proof",
      [
        jsonAnswer([entry(100, { verification: {} })]),
        jsonAnswer(entry(100, { verification: {} })),
      ],
      "REKOR_RESPONSE",
    ],
    [
      "whose body is no base64",
      [jsonAnswer([]), jsonAnswer(entry(100, { body: "?" }))],
      "REKOR_RESPONSE",
    ],
    ["to somebody else", [jsonAnswer({}, 403), jsonAnswer({}, 403)], "REKOR_REFUSED"],
    ["after refusing ten at once", [jsonAnswer({ code: 422 }, 422), jsonAnswer(entry(100))], "ok"],
    ["of no end", [endless(), endless()], "FORMAT_SIZE"],
  ];
  for (const [name, answers, code] of ENTRIES) {
    it(`is asked for an entry ${name}`, async () => {
      const queue = [...answers];
      const { reader } = reading(() => queue.shift() ?? new Error("no more"));
      assert.equal(codeOf(await reader.entries(tree, 0, 1)), code);
    });
  }

  it("refuses a proof that is too long, and one of hashes that are none", async () => {
    for (const hashes of [Array.from({ length: 65 }, () => "00"), ["0"], "00"]) {
      const { reader } = reading(jsonAnswer({ hashes }));
      assert.equal(codeOf(await reader.consistency(tree, 1, 2)), "REKOR_RESPONSE");
    }
  });

  it("refuses an edge from a proof that cannot be of that entry", async () => {
    const { reader } = reading(jsonAnswer(entry(105)));
    assert.equal(codeOf(await reader.edge(tree, 6, 9)), "TLOG_INCLUSION");
    assert.deepEqual(unwrap(await reader.edge(tree, 0, 9)), []);
  });
});

describe("Rekor v2", () => {
  const body = (n: number) => utf8(`body ${n}`);
  const bundle = (count: number, from = 0) =>
    concat(
      ...Array.from({ length: count }, (_, n) => [
        bigEndian(body(from + n).length, 2),
        body(from + n),
      ]).flat(),
    );
  const hashes = (count: number) =>
    concat(...Array.from({ length: count }, (_, n) => leafHash(body(n))));
  const reading = (files: Readonly<Record<string, () => Response>>) => {
    const { outside, calls } = fakeOutside(({ url }) => {
      const path = new URL(url).pathname.replace("/api/v2/", "");
      return files[path]?.() ?? raw(new Uint8Array(), 404);
    });
    return { reader: tilesReaderAt("https://log.example", outside), calls };
  };

  it("takes the full tile where the partial one is gone", async () => {
    const { reader } = reading({
      "tile/entries/000": () => raw(bundle(256)),
      "tile/0/000": () => raw(hashes(256)),
    });
    const entries = unwrap(await reader.entries(tree, 2, 5));
    assert.deepEqual(
      entries.map(({ index, body: bytes }) => [index, bytes]),
      [2, 3, 4].map((n) => [n, body(n)]),
    );
    assert.equal(unwrap(await reader.edge(tree, 5, 5)).length, 2);
  });

  it("asks for a tile once", async () => {
    const { reader, calls } = reading({ "tile/0/000.p/9": () => raw(hashes(9)) });
    unwrap(await reader.edge(tree, 9, 9));
    unwrap(await reader.consistency(tree, 3, 9));
    assert.equal(calls.length, 1);
  });

  const ANSWERS: readonly [string, () => Response, string][] = [
    ["too few entries", () => raw(bundle(3)), "MONITOR_GAP"],
    ["a bundle that is cut off", () => raw(bundle(5).subarray(1)), "REKOR_RESPONSE"],
    ["a refusal", () => raw(utf8("no"), 403), "REKOR_REFUSED"],
    ["nothing", () => raw(new Uint8Array(), 404), "MONITOR_GAP"],
    ["something without end", endless, "FORMAT_SIZE"],
  ];
  for (const [name, answer, code] of ANSWERS) {
    it(`refuses ${name}`, async () => {
      const { reader } = reading({ "tile/entries/000.p/5": answer });
      assert.equal(codeOf(await reader.entries(tree, 0, 5)), code);
    });
  }

  it("refuses tiles and checkpoints of another form", async () => {
    const tiles = reading({ "tile/0/000.p/5": () => raw(hashes(4)) });
    assert.equal(codeOf(await tiles.reader.edge(tree, 5, 5)), "REKOR_RESPONSE");
    assert.equal(codeOf(await tiles.reader.consistency(tree, 2, 6)), "MONITOR_GAP");
    const { reader } = reading({ checkpoint: () => raw(Uint8Array.of(0xff)) });
    assert.equal(codeOf(await reader.trees()), "FORMAT_TEXT");
  });
});
