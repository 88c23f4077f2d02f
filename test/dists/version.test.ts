import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compareVersions, equalVersions, parseVersion } from "../../src/dists/version.ts";
import { unwrap } from "../../src/formats/result.ts";
import { refused } from "./expect.ts";

const version = (text: string) => unwrap(parseVersion(text));

describe("versions in another spelling", () => {
  const cases: [string, string][] = [
    ["1.0", "1.0"],
    ["v1.0", "1.0"],
    ["01.02", "1.2"],
    ["1.0RC1", "1.0rc1"],
    ["1.0-alpha.1", "1.0a1"],
    ["1.0c2", "1.0rc2"],
    ["1.0-1", "1.0.post1"],
    ["1.0.rev", "1.0.post0"],
    ["1!2.0.DEV3", "1!2.0.dev3"],
    ["1.0+Ubuntu-01_x", "1.0+ubuntu.1.x"],
    ["1.0+1e2", "1.0+1e2"],
    ["1.0+0x10", "1.0+0x10"],
  ];
  for (const [text, normal] of cases) {
    test(JSON.stringify(text), () => assert.equal(version(text), normal));
  }
});

describe("what is no version", () => {
  const cases = [
    "",
    "x",
    "1.0x",
    "1..0",
    "1.0+",
    "1.0+a..b",
    "1.0+-a",
    "1.0+ä",
    "1.0 1",
    " 1.0",
    "1.0\n",
    "1.0/../x",
  ];
  const inexact = ["1.1234567890123456", "1.0+1234567890123456", "1".repeat(129), "1.0po\u017ft1"];
  for (const text of [...cases, ...inexact]) {
    test(JSON.stringify(text), () => refused(parseVersion(text), "DIST_VERSION", /PEP 440/));
  }
});

test("the order of PEP 440", () => {
  const ordered = [
    "1.0.dev1",
    "1.0a1.dev1",
    "1.0a1",
    "1.0b1",
    "1.0rc1",
    "1.0",
    "1.0+a",
    "1.0+a.1",
    "1.0+b",
    "1.0+1",
    "1.0+1.a",
    "1.0+2",
    "1.0+10",
    "1.0.post1",
    "1.1",
    "1!0.1",
  ].map(version);
  for (const [i, left] of ordered.entries()) {
    for (const [j, right] of ordered.entries()) {
      assert.equal(Math.sign(compareVersions(left, right)), Math.sign(i - j), `${left} ${right}`);
    }
  }
});

test("zeros at the end do not make another release", () => {
  assert.equal(equalVersions(version("1.0"), version("1.0.0")), true);
  assert.equal(equalVersions(version("1.0"), version("1.0+a")), false);
});

const PACKAGING = `
import json, sys
from pip._vendor.packaging.version import Version, InvalidVersion
texts = json.load(sys.stdin)
parsed = []
for text in texts:
    try:
        parsed.append(Version(text))
    except InvalidVersion:
        parsed.append(None)
keys = sorted({v for v in parsed if v is not None})
print(json.dumps([None if v is None else [str(v), keys.index(v)] for v in parsed]))
`;

const byPackaging = (texts: readonly string[]): ([string, number] | null)[] | undefined => {
  try {
    const options = { input: JSON.stringify(texts), timeout: 60_000, stdio: "pipe" as const };
    return JSON.parse(execFileSync("python3", ["-X", "utf8", "-c", PACKAGING], options).toString());
  } catch {
    return undefined;
  }
};

test("reads and orders versions as pip does", (t) => {
  const part = fc.constantFrom(
    "1",
    "0",
    "02",
    "10",
    "!",
    ".",
    "-",
    "_",
    "+",
    "a",
    "rc",
    "post",
    "dev",
    "alpha",
    "c",
    "r",
    "v",
    " ",
    "x",
    "A",
    "é",
    "\u0661",
    "\n",
  );
  const texts = fc.sample(
    fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => `1${parts.join("")}`),
    { numRuns: 3000, seed: 440 },
  );
  const answers = byPackaging(texts);
  if (answers === undefined) return t.skip("pip is not installed");
  const read: { ours: ReturnType<typeof version>; rank: number }[] = [];
  for (const [i, text] of texts.entries()) {
    const outcome = parseVersion(text);
    // Space around a version, which pip cuts off, is refused.
    const expected: string | undefined = text === text.trim() ? answers[i]?.[0] : undefined;
    assert.equal(outcome.ok ? outcome.value : undefined, expected, JSON.stringify(text));
    if (outcome.ok) read.push({ ours: outcome.value, rank: answers[i]![1] });
  }
  assert.ok(read.length > 300, `only ${read.length} are versions`);
  for (const [i, left] of read.slice(1).entries()) {
    const right = read[i]!;
    const order = Math.sign(compareVersions(left.ours, right.ours));
    assert.equal(order, Math.sign(left.rank - right.rank), `${left.ours} ${right.ours}`);
  }
});

test("versions are equal where they are neither above nor below each other", () => {
  const number = fc.constantFrom("0", "1", "10", "2");
  const made = fc
    .tuple(
      fc.constantFrom("", "0!", "1!"),
      fc.array(number, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(".")),
      fc.constantFrom("", "a0", "rc1", "a10"),
      fc.constantFrom("", ".post0", ".post10"),
      fc.constantFrom("", ".dev0", ".dev10"),
      fc.constantFrom("", "+1.0", "+1", "+a.0"),
    )
    .map((parts) => version(parts.join("")));
  let equal = 0;
  fc.assert(
    fc.property(made, made, fc.constantFrom(0, 1, 2), (a, other, zeros) => {
      const longer = version(a.replace(/^((?:\d+!)?[\d.]*\d)/, `$1${".0".repeat(zeros)}`));
      for (const b of [other, longer]) {
        assert.equal(equalVersions(a, b), compareVersions(a, b) === 0, `${a} ${b}`);
        equal += equalVersions(a, b) && a !== b ? 1 : 0;
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(equal > 300, `${equal} were equal`);
});
