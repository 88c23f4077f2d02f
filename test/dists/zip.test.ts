import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/dists/finding.ts";
import { readZip } from "../../src/dists/zip.ts";
import { memberBytes, readMember } from "../../src/dists/zip-member.ts";
import { unwrap } from "../../src/formats/result.ts";
import { a, b, readAll, sums } from "./zip-reading.ts";
import { memoryAccess, pack, writeZip, type ZipMember, type ZipOptions } from "./zip-writer.ts";

function again(member: ZipMember, size = sums(member).size): Uint8Array {
  return pack([1, 2], [16, 2], [size, 8], [sums(member).packedSize, 8]);
}

describe("zips that are honest", () => {
  const cases: [string, ZipMember[], ZipOptions?][] = [
    ["empty", []],
    ["deflated", [a, b]],
    ["stored", [{ ...a, method: "stored" }, b]],
    ["empty content", [{ name: "x" }]],
    ["with folders", [{ name: "b/" }, b]],
    ["with a data descriptor", [{ ...a, descriptor: true }, b]],
    ["with the sums both before and after", [{ ...a, descriptor: true, local: sums(a) }, b]],
    ["with zip64 sizes in the local header", [{ ...a, wide: true }, b]],
    ["with zip64 sizes that say the sizes again", [{ ...a, local: { extra: again(a) } }, b]],
    ["with a wide data descriptor", [{ ...a, wide: true, descriptor: true }, b]],
    ["stored, empty, with a descriptor", [{ name: "x", method: "stored", descriptor: true }]],
    ["with another order in the directory", [a, b], { directoryOrder: [1, 0] }],
    ["with a zip64 end record", [a, b], { end64: { mask: ["entries", "entriesHere"] } }],
    [
      "with everything in the zip64 end record",
      [a, b],
      { end64: { mask: ["entries", "entriesHere", "directorySize", "directoryOffset"] } },
    ],
    [
      "with an unknown extra field",
      [{ ...a, central: { extra: pack([0x5455, 2], [1, 2], [0, 1]) } }],
    ],
    ["with a UTF-8 name", [{ name: "ä.txt", content: "x" }]],
    ["without a mode", [{ ...a, central: { externalAttributes: 0 } }]],
    [
      "with a zip64 offset in the directory",
      [{ ...a, central: { offset: 0xffffffff, extra: pack([1, 2], [8, 2], [0, 8]) } }],
    ],
  ];
  for (const [name, members, options] of cases) {
    test(name, async () => {
      const expected = Object.fromEntries(
        members.map((m) => [m.name.replace(/\/$/, ""), (m.content as string) ?? ""]),
      );
      assert.deepEqual(await readAll(writeZip(members, options)), expected);
    });
  }

  test("says which members can be run, and where they are", async () => {
    const zip = writeZip([{ ...a, mode: 0o100755, method: "stored" }, b]);
    const [first, second] = unwrap(await readZip(memoryAccess(zip), DEFAULT_LIMITS));
    assert.equal(first!.executable, true);
    assert.equal(second!.executable, false);
    assert.equal(first!.contentOffset, 35);
  });
});

test("zip64 sizes that say other sizes, or make a descriptor's width doubtful, are refused", async () => {
  const other: ZipMember = { ...a, local: { extra: again(a, 5) } };
  const doubtful: ZipMember = { ...a, descriptor: true, local: { ...sums(a), extra: again(a) } };
  for (const member of [other, doubtful]) {
    const outcome = await readAll(writeZip([member, b]));
    assert.match(String(outcome.message), /other numbers than are needed/);
    assert.equal(outcome.code, "DIST_ZIP");
  }
});

describe("limits", () => {
  const limits: Limits = { members: 2, memberSize: 20, totalSize: 30, ratio: 200 };
  const cases: [string, ZipMember[]][] = [
    ["too many members", [a, b, { name: "c" }]],
    ["too large a member", [{ name: "a", content: "x".repeat(21) }]],
    [
      "too large together",
      [
        { name: "a", content: "x".repeat(16) },
        { name: "b", content: "x".repeat(16) },
      ],
    ],
  ];
  for (const [name, members] of cases) {
    test(name, async () => {
      assert.equal((await readAll(writeZip(members), limits)).code, "DIST_SIZE");
    });
  }

  test("a bomb is refused by what its directory says", async () => {
    const bomb: ZipMember = { ...a, central: { size: 2 ** 30 }, local: { size: 2 ** 30 } };
    assert.equal((await readAll(writeZip([bomb]))).code, "DIST_SIZE");
  });

  test("a member larger than the caller holds", async () => {
    const access = memoryAccess(writeZip([a]));
    const [entry] = unwrap(await readZip(access, DEFAULT_LIMITS));
    const bytes = await memberBytes(access, entry!, nodeInflateRaw, 3);
    assert.equal(bytes.ok ? "" : bytes.error.code, "DIST_SIZE");
  });
});

test("the disk's trouble is thrown, not blamed on the zip", async () => {
  const access = memoryAccess(writeZip([a]));
  const [entry] = unwrap(await readZip(access, DEFAULT_LIMITS));
  const broken = { ...access, read: () => Promise.reject(new Error("EIO")) };
  await assert.rejects(() => readMember(broken, entry!, nodeInflateRaw, () => {}), /EIO/);
});

test("any tree comes back as it was written", async () => {
  const segment = fc.stringMatching(/^[a-z0-9_]{1,8}$/);
  const member = fc.record({
    name: fc.array(segment, { minLength: 1, maxLength: 4 }).map((path) => path.join("/")),
    content: fc.uint8Array({ maxLength: 300 }),
    method: fc.constantFrom("stored" as const, "deflated" as const),
    wide: fc.boolean(),
  });
  const tree = fc.uniqueArray(member, { maxLength: 8, selector: (m) => m.name.split("/")[0] });
  await fc.assert(
    fc.asyncProperty(tree, async (members) => {
      const expected = Object.fromEntries(
        members.map((m) => [m.name, Buffer.from(m.content).toString("latin1")]),
      );
      assert.deepEqual(await readAll(writeZip(members)), expected);
    }),
    { numRuns: 50 },
  );
});

test("every flipped bit is refused or changes nothing that is read", async () => {
  const zip = writeZip([{ ...a, descriptor: true }, { ...b, method: "stored" }, { name: "d/" }]);
  const honest = await readAll(zip);
  let silent = 0;
  for (let bit = 0; bit < zip.length * 8; bit += 1) {
    const changed = zip.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const outcome = await readAll(changed);
    if (outcome.code !== undefined) continue;
    silent += 1;
    assert.deepEqual(outcome, honest, `bit ${bit}`);
  }
  // Times, versions, internal and some external attributes are not content.
  assert.ok(silent < zip.length * 8 * 0.3, `${silent} of ${zip.length * 8} bits do not matter`);
});
