import assert from "node:assert/strict";
import { bigEndian, concat, hex, utf8 } from "../../src/formats/bytes.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import { parseNoteKey } from "../../src/formats/note-key.ts";
import { fail, ok } from "../../src/formats/result.ts";
import { parseEntryBundle } from "../../src/formats/tiles.ts";
import { parseBody } from "../../src/formats/tlog-body-parse.ts";
import { inspectEntry } from "../../src/monitor/inspect.ts";
import { noRecords, recordReader } from "../../src/monitor/records.ts";
import { entryBy, MINE } from "../monitor/scene.ts";
import { forgeLeaf, TRUST } from "../verification/forge.ts";
import { exact, ofText, type Target, target } from "./target.ts";

const leaf = forgeLeaf();
const entries = [entryBy(leaf, "mine"), entryBy(leaf, "mine", "0.0.2")];
const watch = { identities: [MINE], authorities: TRUST.certificateAuthorities };

const pack = (bodies: readonly Uint8Array[]): Uint8Array =>
  concat(...bodies.flatMap((body) => [bigEndian(body.length, 2), body]));

const report = {
  record: { distributions: [{ filename: "a.whl", sha256: "ab".repeat(32), size: 1 }] },
  files: [{ proofs: [{ verdict: { logged: [{ inclusion: { leafHash: "cd".repeat(32) } }] } }] }],
};

/** What the monitor reads of logs, records and settings that are not its own. */
export const MONITOR: readonly Target[] = [
  target(
    "watched entry",
    entries,
    async (body) => {
      const { mine, leafHash: hash, unreadable } = await inspectEntry({ index: 1, body }, watch);
      assert.deepEqual(hash, leafHash(body));
      for (const one of mine) assert.equal(one.leafHash, hex(hash));
      return unreadable === undefined ? ok(mine) : fail("TLOG_ENTRY_FORMAT", unreadable);
    },
    // Whatever can be read is read the same by who verifies it.
    (mine, body) => assert.ok(parseBody(body).ok && mine.length <= 1),
  ),
  target("bundle of entries", [pack(entries), pack([])], parseEntryBundle, exact(pack)),
  target(
    "report on record",
    [utf8(JSON.stringify(report))],
    (bytes) => recordReader("wheelseal-report.json")?.(noRecords(), bytes) ?? ok(undefined),
  ),
  target(
    "key of a note",
    [utf8("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")],
    ofText(parseNoteKey),
  ),
];
