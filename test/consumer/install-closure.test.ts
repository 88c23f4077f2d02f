import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePylock } from "../../src/consumer/closure-pylock.ts";
import { parseRequirements } from "../../src/consumer/closure-requirements.ts";
import { markersOf, neededBy } from "../../src/consumer/install-closure.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";

const A = "a".repeat(64);

const FILES = [
  "a-1-py3-none-any.whl",
  "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
  "a-1-cp312-cp312-win_amd64.whl",
  "A-1-py3-none-any.whl",
  "a-1.tar.gz",
];

const lock = (marker: string) => {
  const wheels = FILES.slice(0, -1).map(
    (name) => `{ name = "${name}", url = "http://f.test/${name}", hashes = { sha256 = "${A}" } }`,
  );
  const sdist = `{ url = "http://f.test/a-1.tar.gz", hashes = { sha256 = "${A}" } }`;
  return unwrap(
    parsePylock(
      utf8(`lock-version = "1.0"
[[packages]]
name = "a"
version = "1"
${marker}
sdist = ${sdist}
wheels = [${wheels.join(", ")}]
`),
      "pylock.toml",
    ),
  );
};

const tags = new Set(["cp311-cp311-manylinux2014_x86_64", "py3-none-any"]);

describe("what an environment needs", () => {
  const wantedOf = (fitness: { tags?: ReadonlySet<string> }, sdists: boolean): string[] => {
    const need = unwrap(neededBy(lock(""), { ...fitness, pip: true, markers: [] }, sdists));
    return FILES.filter(need.wanted);
  };
  test("the wheels that fit it, and those whose name cannot be read", () => {
    assert.deepEqual(wantedOf({ tags }, false), [FILES[0], FILES[1], FILES[3]]);
  });
  test("sdists too, where they are allowed", () => {
    assert.deepEqual(wantedOf({ tags }, true), [FILES[0], FILES[1], FILES[3], FILES[4]]);
  });
  test("every wheel, where it cannot be told", () => {
    assert.deepEqual(wantedOf({}, false), FILES.slice(0, 4));
  });
});

describe("markers", () => {
  const entriesWith = (value: boolean | undefined, told = true) => {
    const closure = lock("marker = \"sys_platform == 'win32'\"");
    assert.deepEqual(markersOf(closure), ["sys_platform == 'win32'"]);
    const fitness = { ...(told ? { tags } : {}), pip: true, markers: [value] };
    const need = neededBy(closure, fitness, false);
    return need.ok ? need.value.closure.entries.length : need.error.code;
  };
  test("one that holds keeps its package", () => assert.equal(entriesWith(true), 1));
  test("one that does not leaves it out, and nothing is no success", () => {
    assert.equal(entriesWith(false), "LOCK_NO_FILE");
    const pinned = (marker: string) =>
      `a==${marker.length} ; ${marker} --hash=sha256:${"a".repeat(64)}`;
    const two = [pinned("'a' == 'a'"), pinned("'a' == 'bb'")].join("\n");
    const closure = unwrap(parseRequirements(utf8(two), "requirements.txt"));
    const need = neededBy(closure, { tags, pip: true, markers: [true, false] }, false);
    assert.equal(unwrap(need).closure.entries.length, 1);
  });
  test("one that cannot be decided is refused", () =>
    assert.equal(entriesWith(undefined), "LOCK_FORMAT"));
  test("where none can be, the installer decides", () =>
    assert.equal(entriesWith(undefined, false), 1));
});
