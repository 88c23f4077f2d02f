import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Code } from "../../src/formats/errors.ts";
import { a, b, readAll, sums, utf8 } from "./zip-reading.ts";
import { none, pack, writeZip, type ZipMember, type ZipOptions } from "./zip-writer.ts";

const unicodePath = pack([0x7075, 2], [6, 2], [1, 1], [0, 4], utf8("z"));

function named(bytes: number[]): Pick<ZipMember, "local" | "central"> {
  const fields = { name: Uint8Array.from(bytes), flags: 1 << 11 };
  return { local: fields, central: fields };
}
function descriptor(change: { crc32?: number; size?: number }): Uint8Array {
  const truth = { ...sums(a), ...change };
  return pack([0x08074b50, 4], [truth.crc32, 4], [truth.packedSize, 4], [truth.size, 4]);
}

describe("zips that two tools may read differently", () => {
  const cases: [string, ZipMember[], ZipOptions, RegExp, Code?][] = [
    ["trailing data", [a, b], { suffix: utf8("x") }, /does not end/],
    ["a comment", [a], { end: { comment: utf8("x") } }, /does not end/],
    ["a second end record as comment", [a], { suffix: writeZip([b]) }, /gap|overlap/],
    ["bytes before the first member", [a], { prefix: utf8("MZ") }, /gap or an overlap before/],
    ["a gap between members", [a, { ...b, gapBefore: utf8("??") }], {}, /gap or an overlap before/],
    [
      "a gap before the directory",
      [a],
      { gapBeforeDirectory: utf8("?") },
      /gap before its directory/,
    ],
    [
      "a gap after the directory",
      [a],
      { gapAfterDirectory: utf8("?") },
      /between directory and end/,
    ],
    ["a hidden local entry", [a, { ...b, omitCentral: true }], {}, /gap before its directory/],
    ["a hidden first entry", [{ ...b, omitCentral: true }, a], {}, /gap or an overlap before/],
    ["two entries at one place", [a, { ...a, name: "b.txt", placeOf: 0 }], {}, /gap or an overlap/],
    ["another local name", [{ ...a, local: { name: utf8("b.txt") } }], {}, /another name/],
    ["a longer local name", [{ ...a, local: { name: utf8("a.txtt") } }], {}, /another name/],
    ["another local method", [{ ...a, local: { method: 0 } }], {}, /another method/],
    ["other local flags", [{ ...a, local: { flags: 2 } }], {}, /another flag/],
    ["another local size", [{ ...a, local: { size: 9 } }], {}, /another size/],
    ["another local packed size", [{ ...a, local: { packedSize: 1 } }], {}, /another size/],
    ["another local checksum", [{ ...a, local: { crc32: 1 } }], {}, /another checksum/],
    [
      "zeros in a local header without a descriptor",
      [{ ...a, local: { crc32: 0, size: 0, packedSize: 0 } }],
      {},
      /another checksum/,
    ],
    [
      "sizes before and after that differ",
      [{ ...a, descriptor: true, local: { ...sums(a), size: 5 } }],
      {},
      /another size/,
    ],
    [
      "another size in the descriptor",
      [{ ...a, descriptor: true, descriptorBytes: descriptor({ size: 5 }) }],
      {},
      /another size/,
    ],
    [
      "another checksum in the descriptor",
      [{ ...a, descriptor: true, descriptorBytes: descriptor({ crc32: 5 }) }],
      {},
      /another checksum/,
    ],
    [
      "a descriptor without signature",
      [{ ...a, descriptor: true, descriptorBytes: descriptor({}).slice(4) }, b],
      {},
      /lacks a data descriptor/,
    ],
    [
      "no descriptor",
      [{ ...a, descriptor: true, descriptorBytes: none }],
      {},
      /descriptor that breaks off/,
    ],
    [
      "a narrow descriptor after wide sizes",
      [{ ...a, wide: true, descriptor: true, descriptorBytes: descriptor({}) }, b],
      {},
      /another size|gap/,
    ],
    [
      "stored with a descriptor",
      [{ ...a, method: "stored", descriptor: true }],
      {},
      /end a stream cannot find/,
    ],
    [
      "stored with two sizes",
      [{ ...a, method: "stored", central: { size: 3 }, local: { size: 3 } }],
      {},
      /two sizes/,
    ],
    ["encryption", [{ ...a, local: { flags: 1 }, central: { flags: 1 } }], {}, /encrypted/],
    [
      "strong encryption",
      [{ ...a, local: { flags: 64 }, central: { flags: 64 } }],
      {},
      /encrypted/,
    ],
    [
      "masked headers",
      [{ ...a, local: { flags: 1 << 13 }, central: { flags: 1 << 13 } }],
      {},
      /special/,
    ],
    ["LZMA", [{ ...a, local: { method: 14 }, central: { method: 14 } }], {}, /compression method/],
    [
      "a comment on a member",
      [{ ...a, central: { comment: utf8("x") } }],
      {},
      /comment on a member/,
    ],
    ["a member on another disk", [{ ...a, central: { disk: 1 } }], {}, /several disks/],
    ["several disks", [a], { end: { disk: 1 } }, /several disks/],
    ["a directory on another disk", [a], { end: { directoryDisk: 1 } }, /several disks/],
    ["fewer members here than in all", [a, b], { end: { entriesHere: 1 } }, /several disks/],
    [
      "more members said than listed",
      [a],
      { end: { entries: 2, entriesHere: 2 } },
      /says it has 2/,
    ],
    [
      "fewer members said than listed",
      [a, b],
      { end: { entries: 1, entriesHere: 1 } },
      /says it has 1/,
    ],
    [
      "a directory that is said smaller",
      [a],
      { end: { directorySize: 10 } },
      /between directory and end/,
    ],
    ["a directory elsewhere", [a], { end: { directoryOffset: 0 } }, /between directory and end/],
    [
      "an entry that points into the directory",
      [{ ...a, central: { offset: 41 } }],
      {},
      /gap|overlap/,
    ],
    ["a symbolic link", [{ ...a, mode: 0o120777 }], {}, /link/],
    ["a device", [{ ...a, mode: 0o020666 }], {}, /special file/],
    ["a folder by mode only", [{ ...a, mode: 0o040755 }], {}, /special file/],
    [
      "a file by mode that is named as a folder",
      [{ name: "x/", mode: 0o100644 }],
      {},
      /special file/,
    ],
    [
      "a folder by DOS attribute only",
      [{ ...a, central: { externalAttributes: 0x10 } }],
      {},
      /folder to some/,
    ],
    ["a volume label", [{ ...a, central: { externalAttributes: 0x08 } }], {}, /volume label/],
    ["set-uid", [{ ...a, mode: 0o104755 }], {}, /set-uid/],
    ["a folder with content", [{ name: "x/", content: "boo" }], {}, /folder with content/],
    [
      "a name of unknown encoding",
      [{ ...a, name: "ä", central: { flags: 0 }, local: { flags: 0 } }],
      {},
      /neither ASCII/,
    ],
    ["a name that is no UTF-8", [{ ...a, ...named([0xff]) }], {}, /neither ASCII/],
    ["a Unicode path field", [{ ...a, central: { extra: unicodePath } }], {}, /renames/],
    [
      "a Unicode path field in the local header",
      [{ ...a, local: { extra: unicodePath } }],
      {},
      /renames/,
    ],
    [
      "an extra field twice",
      [{ ...a, central: { extra: pack([9, 2], [0, 2], [9, 2], [0, 2]) } }],
      {},
      /twice/,
    ],
    [
      "a broken extra field",
      [{ ...a, central: { extra: pack([9, 2], [5, 2], [0, 1]) } }],
      {},
      /broken extra/,
    ],
    ["a cut extra field", [{ ...a, local: { extra: utf8("xyz") } }], {}, /broken extra/],
    [
      "a zip64 field that is not needed",
      [{ ...a, central: { extra: pack([1, 2], [8, 2], [4, 8]) } }],
      {},
      /other numbers/,
    ],
    ["a zip64 field too few", [{ ...a, central: { size: 0xffffffff } }], {}, /lacks a zip64/],
    [
      "a zip64 field of the wrong length",
      [{ ...a, central: { size: 0xffffffff, extra: pack([1, 2], [16, 2], [4, 8], [4, 8]) } }],
      {},
      /other numbers/,
    ],
    [
      "a zip64 size that differs",
      [{ ...a, wide: true, local: { extra: pack([1, 2], [16, 2], [5, 8], [6, 8]) } }],
      {},
      /another size/,
    ],
    ["no zip64 end record", [a], { end: { directorySize: 0xffffffff } }, /lacks its zip64 locator/],
    [
      "a zip64 end record nobody needs",
      [a],
      { end64: { mask: [] } },
      /zip64 locator that it does not/,
    ],
    [
      "two end records that disagree",
      [a],
      { end64: { mask: ["directorySize"], fields: { entries: 2, entriesHere: 2 } } },
      /disagree/,
    ],
    [
      "zip64 disks",
      [a],
      { end64: { mask: ["directorySize"], fields: { disk: 1 } } },
      /several disks/,
    ],
    [
      "a zip64 end record of a larger form",
      [a],
      { end64: { mask: ["directorySize"], size: 50 } },
      /fixed one/,
    ],
    [
      "a zip64 locator of many disks",
      [a],
      { end64: { mask: ["directorySize"] }, locator: { disks: 2 } },
      /several disks/,
    ],
    [
      "a zip64 locator that points elsewhere",
      [a],
      { end64: { mask: ["directorySize"] }, locator: { offset: 1 } },
      /gap before its zip64/,
    ],
    [
      "no zip64 locator signature",
      [a],
      { end64: { mask: ["directorySize"] }, locator: { signature: 1 } },
      /lacks its zip64/,
    ],
    [
      "zip64 with a gap",
      [a],
      { end64: { mask: ["directorySize"] }, gapAfterDirectory: utf8("?") },
      /between directory and end/,
    ],
    [
      "an empty zip that says zip64",
      [],
      { end: { entries: 0xffff, entriesHere: 0xffff } },
      /lacks its zip64/,
    ],
  ];
  for (const [name, members, options, message, code = "DIST_ZIP"] of cases) {
    test(name, async () => {
      const outcome = await readAll(writeZip(members, options));
      assert.match(String(outcome.message), message);
      assert.equal(outcome.code, code);
    });
  }

  test("a cut zip, wherever it is cut", async () => {
    const whole = writeZip([a, { ...b, descriptor: true }]);
    for (let length = 0; length < whole.length; length += 1) {
      assert.equal((await readAll(whole.slice(0, length))).code, "DIST_ZIP", `cut at ${length}`);
    }
  });

  test("a directory that breaks off in its last header", async () => {
    const zip = writeZip([a]);
    // Make the name of the only central header reach beyond the directory.
    const central = zip.length - 22 - 51;
    zip[central + 28] = 200;
    assert.match(String((await readAll(zip)).message), /breaks off/);
  });

  test("a comment that is said but not there", async () => {
    const zip = writeZip([a]);
    zip[zip.length - 2] = 5;
    assert.match(String((await readAll(zip)).message), /has a comment/);
  });
});
