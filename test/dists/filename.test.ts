import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  expandTags,
  looseRelease,
  parseDistributionFilename,
  sameFilename,
} from "../../src/dists/filename.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { refused } from "./expect.ts";

test("a wheel's name is taken apart", () => {
  assert.deepEqual(
    unwrap(parseDistributionFilename("demo_pkg-1.0-1b-py2.py3-none-manylinux1_x86_64.any.whl")),
    {
      kind: "wheel",
      filename: "demo_pkg-1.0-1b-py2.py3-none-manylinux1_x86_64.any.whl",
      name: "demo-pkg",
      version: "1.0",
      build: "1b",
      tags: { python: ["py2", "py3"], abi: ["none"], platform: ["manylinux1_x86_64", "any"] },
    },
  );
});

test("an sdist's name is taken apart", () => {
  assert.deepEqual(unwrap(parseDistributionFilename("demo_pkg-1.0rc1+l.1.tar.gz")), {
    kind: "sdist",
    filename: "demo_pkg-1.0rc1+l.1.tar.gz",
    name: "demo-pkg",
    version: "1.0rc1+l.1",
  });
});

describe("names that are refused", () => {
  const cases: [string, Code, RegExp][] = [
    ["demo-1.0.zip", "DIST_NAME", /ends neither/],
    ["demo-1.0.tar.bz2", "DIST_NAME", /ends neither/],
    ["", "DIST_NAME", /ends neither/],
    [`${"x".repeat(250)}-1.tar.gz`, "DIST_NAME", /too long/],
    ["demo.tar.gz", "DIST_NAME", /form name-version.tar.gz/],
    ["demo-pkg-1.0.tar.gz", "DIST_NAME", /form name-version.tar.gz/],
    ["Demo-1.0.tar.gz", "DIST_NAME", /must begin with demo/],
    ["demo.pkg-1.0.tar.gz", "DIST_NAME", /must begin with demo_pkg/],
    ["demo__pkg-1.0.tar.gz", "DIST_NAME", /must begin with demo_pkg/],
    ["-1.0.tar.gz", "DIST_NAME", /does not begin with a project name/],
    ["../demo-1.0.tar.gz", "DIST_NAME", /does not begin with a project name/],
    ["demo-x.tar.gz", "DIST_VERSION", /PEP 440/],
    ["demo-1.0.RC1.tar.gz", "DIST_VERSION", /as 1.0rc1/],
    ["demo-1.0-any.whl", "DIST_NAME", /form name-version/],
    ["demo-1.0-1-2-py3-none-any.whl", "DIST_NAME", /form name-version/],
    ["demo-1.0-b1-py3-none-any.whl", "DIST_NAME", /bad build tag/],
    ["demo-1.0--py3-none-any.whl", "DIST_NAME", /bad build tag/],
    ["demo-1.0-PY3-none-any.whl", "DIST_NAME", /bad compatibility tag/],
    ["demo-1.0-py3..py2-none-any.whl", "DIST_NAME", /bad compatibility tag/],
    ["demo-1.0-py3.py3-none-any.whl", "DIST_NAME", /bad compatibility tag/],
    ["demo-1.0-py3--any.whl", "DIST_NAME", /bad compatibility tag/],
    ["demo-1.0-py3-none-.whl", "DIST_NAME", /bad compatibility tag/],
    [
      `demo-1.0-${Array.from({ length: 65 }, (_, i) => `${i}`).join(".")}-none-any.whl`,
      "DIST_NAME",
      /bad compatibility tag/,
    ],
    ["demo-1.0/../x-py3-none-any.whl", "DIST_VERSION", /PEP 440/],
    ["de mo-1.0-py3-none-any.whl", "DIST_NAME", /does not begin/],
    ["demo-1.0-py3-none-any.whl\n", "DIST_NAME", /ends neither/],
  ];
  for (const [text, code, message] of cases) {
    test(JSON.stringify(text.slice(0, 60)), () =>
      refused(parseDistributionFilename(text), code, message),
    );
  }
});

test("compressed tags stand for every combination", () => {
  const tags = { python: ["py3", "py2"], abi: ["none"], platform: ["b", "a"] };
  assert.deepEqual(expandTags(tags), ["py2-none-a", "py2-none-b", "py3-none-a", "py3-none-b"]);
});

describe("whether two names are of the same file", () => {
  const wheel = "demo-1.0-py2.py3-none-any.whl";
  const cases: [string, string, boolean][] = [
    [wheel, wheel, true],
    [wheel, "demo-1.0-py3.py2-none-any.whl", true],
    [wheel, "demo-1.0.0-py2.py3-none-any.whl", true],
    [wheel, "demo-1.0-py3-none-any.whl", false],
    [wheel, "demo-1.0-1-py2.py3-none-any.whl", false],
    [wheel, "demo-1.1-py2.py3-none-any.whl", false],
    [wheel, "other-1.0-py2.py3-none-any.whl", false],
    [wheel, "demo-1.0.tar.gz", false],
    ["demo-1.0.tar.gz", "demo-1.0.0.tar.gz", true],
    ["demo-1.0-1-py3-none-any.whl", "demo-1.0-1-py3-none-any.whl", true],
    ["demo-1.0-1-py3-none-any.whl", "demo-1.0-2-py3-none-any.whl", false],
    ["junk", "junk", false],
    [wheel, "junk", false],
  ];
  for (const [a, b, same] of cases) {
    test(`${a} and ${b}`, () => {
      assert.equal(sameFilename(a, b), same);
      assert.equal(sameFilename(b, a), same);
    });
  }
});

describe("names of earlier times", () => {
  const cases: [string, string | undefined][] = [
    ["zope.interface-5.0-cp311-cp311-linux_x86_64.whl", "zope-interface 5.0"],
    ["Zope_Interface-5.0.tar.gz", "zope-interface 5.0"],
    ["zope-interface-5.0.zip", "zope-interface 5.0"],
    ["greeter-1.0-1-py3-none-any.whl", "greeter 1.0"],
    ["greeter-1.0.exe", undefined],
    ["greeter-1.0-any.whl", undefined],
    ["greeter.tar.gz", undefined],
    ["-1.0.tar.gz", undefined],
    ["greeter-x.tar.gz", undefined],
  ];
  for (const [text, wanted] of cases) {
    test(text, () => {
      const read = looseRelease(text);
      assert.equal(read.ok ? `${read.value.name} ${read.value.version}` : undefined, wanted);
    });
  }
});
