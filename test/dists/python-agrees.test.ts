import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Listed, readByPython, readTarByUs, readZipByUs, sorted } from "./python-reader.ts";
import {
  honestMembers,
  longName,
  pax,
  paxRecords,
  ROOT,
  type TarField,
  type TarMember,
  writeTar,
} from "./tar-writer.ts";
import { a, b, utf8 } from "./zip-reading.ts";
import { none, pack, writeZip, type ZipMember } from "./zip-writer.ts";

const SEED = 20_260_101;

/** Whatever we accept, Python must read as the same members with the same content. */
async function compare(
  kind: "zip" | "tar",
  archives: readonly Uint8Array[],
  leastAccepted: number,
): Promise<void> {
  const readByUs = kind === "zip" ? readZipByUs : readTarByUs;
  const accepted: { bytes: Uint8Array; listed: Listed[] }[] = [];
  for (const bytes of archives) {
    const listed = await readByUs(bytes);
    if (listed !== undefined) accepted.push({ bytes, listed });
  }
  assert.ok(accepted.length >= leastAccepted, `only ${accepted.length} archives were accepted`);
  const answers = readByPython(
    kind,
    accepted.map(({ bytes }) => bytes),
  );
  for (const [i, { listed, bytes }] of accepted.entries()) {
    const answer = answers[i]!;
    const theirs = typeof answer === "string" ? answer : sorted(answer);
    const shown = bytes.length < 4000 ? Buffer.from(bytes).toString("base64") : `number ${i}`;
    assert.deepEqual(theirs, sorted(listed), shown);
  }
}

/** Values that a writer of archives never means, and some that it does. */
const numberText = fc.constantFrom(
  "",
  "0",
  "0000644\0",
  "z",
  "-1",
  "+1",
  "1_0",
  "0o7",
  " 7",
  "7 ",
  "7\0z",
  "8",
  "\x80\0\0\0\0\0\0\x01",
  "\x81",
  "\xff",
);
const pathText = fc.constantFrom("x", "y/", "y", "../x", "/x", "", "a//b", "./a", `${ROOT}/x`, "ä");
const field = fc.constantFrom<TarField>(
  "uid",
  "gid",
  "mtime",
  "devMajor",
  "devMinor",
  "mode",
  "size",
  "prefix",
  "magic",
  "uname",
  "linkName",
);
const hostileFile: fc.Arbitrary<TarMember> = fc.record({
  name: pathText,
  type: fc.constantFrom("0", "0", "\0", "1", "2", "5", "7", "S", "X"),
  content: fc.constantFrom("", "", "text", writeTar([{ name: "smuggled" }], none)),
  linkName: fc.constantFrom("", "x", "y"),
  gnu: fc.boolean(),
  padding: fc.constantFrom("", "", "", "12 path=pad\n"),
  header: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    fc.tuple(field, numberText).map(([name, text]) => ({ [name]: text })),
  ),
});
const extension: fc.Arbitrary<TarMember> = fc.oneof(
  fc
    .dictionary(
      fc.constantFrom("path", "linkpath", "size", "comment", "mtime", "uid", "GNU.sparse.name"),
      fc.constantFrom("x", "pax/x", "y/", "0", "1", "", "text\n12 path=in\n"),
      { maxKeys: 2 },
    )
    .chain((records) => fc.constantFrom(pax(records), pax(records, "g"))),
  pathText.chain((text) => fc.constantFrom(longName(text), longName(text, "K"))),
  fc.constantFrom(
    { ...pax({ comment: "1" }), padding: paxRecords({ path: "pad" }) },
    { ...longName("short"), content: "short", padding: "er" },
  ),
);

/** Few members by other names, so that most archives fail for one reason at most. */
const hostileTar = fc
  .array(fc.tuple(fc.option(extension, { nil: undefined }), fc.boolean(), hostileFile), {
    minLength: 1,
    maxLength: 2,
  })
  .map((triples) =>
    triples.flatMap(([before, honest, member], i): TarMember[] => [
      ...(before === undefined ? [] : [before]),
      honest ? { name: `honest${i}`, content: "text" } : member,
    ]),
  )
  .map((members) => writeTar([{ name: "first" }, ...members, { name: "last" }]));

describe("tars that we accept are the same to Python", () => {
  test("written with hostile headers", async () => {
    await compare("tar", fc.sample(hostileTar, { numRuns: 3000, seed: SEED }), 300);
  });

  test("with one byte of a header set to anything, the checksum made to fit", async () => {
    const members = [...honestMembers, { name: `${ROOT}/l`, type: "2", linkName: "src" }];
    const archives: Uint8Array[] = [];
    for (let at = 0; at < 512; at += 1) {
      if (at >= 148 && at < 156) continue;
      for (const byte of [0, 0x20, 0x2f, 0x35, 0x80, 0xff]) {
        const tar = writeTar(members);
        const start = tar.length - 1024 - 512;
        tar[start + at] = byte;
        tar.fill(0x20, start + 148, start + 156);
        const sum = tar.subarray(start, start + 512).reduce((total, value) => total + value, 0);
        tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, start + 148, "latin1");
        archives.push(tar);
      }
    }
    await compare("tar", archives, 500);
  });
});

describe("zips that we accept are the same to Python", () => {
  test("with each bit flipped", async () => {
    const members: ZipMember[] = [
      { ...a, descriptor: true },
      { ...b, method: "stored" },
      { name: "d/" },
      { name: "ä", content: "x", wide: true },
    ];
    const zip = writeZip(members, { end64: { mask: ["entries", "entriesHere"] } });
    const archives = Array.from({ length: zip.length * 8 }, (_, bit) =>
      zip.with(bit >> 3, zip[bit >> 3]! ^ (1 << (bit & 7))),
    );
    await compare("zip", archives, 100);
  });

  test("written with hostile headers", async () => {
    const number = fc.constantFrom(0, 1, 4, 6, 20, 0xffff, 0xffffffff);
    const name = fc.constantFrom("a.txt", "b.txt", "d/", "../x", "a\0b", "ä", "").map(utf8);
    const extra = fc.constantFrom(
      none,
      pack([1, 2], [0, 2]),
      pack([1, 2], [8, 2], [4, 8]),
      pack([1, 2], [16, 2], [4, 8], [6, 8]),
      pack([0x7075, 2], [6, 2], [1, 1], [0, 4], utf8("z")),
      pack([0x5455, 2], [1, 2], [0, 1]),
      utf8("?"),
    );
    const lie = fc.record(
      {
        flags: fc.constantFrom(0, 1, 8, 32, 64, 0x800, 0x2000),
        method: fc.constantFrom(0, 8, 9, 14),
        crc32: number,
        size: number,
        packedSize: number,
        name,
        extra,
      },
      { requiredKeys: [] },
    );
    const few = lie.map((fields) => Object.fromEntries(Object.entries(fields).slice(0, 1)));
    const member = fc
      .record({
        name: fc.constantFrom("a.txt", "b.txt", "d/", "d/c"),
        content: fc.constantFrom("", "aaaa", "content"),
        method: fc.constantFrom<"stored" | "deflated">("stored", "deflated"),
        descriptor: fc.boolean(),
        wide: fc.boolean(),
        lies: fc.oneof(
          { weight: 3, arbitrary: fc.constant({}) },
          few.map((local) => ({ local })),
          few.map((central) => ({ central })),
          few.map((fields) => ({ local: fields, central: fields })),
        ),
      })
      .map(({ lies, ...honest }): ZipMember => ({ ...honest, ...lies }));
    const zip = fc
      .uniqueArray(member, { maxLength: 3, selector: (one) => one.name.slice(0, 2) })
      .map((members) => writeZip(members));
    await compare("zip", fc.sample(zip, { numRuns: 3000, seed: SEED }), 300);
  });
});
