import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientEnvironment } from "../../src/consumer/client-environment.ts";
import { requirementHint } from "../../src/consumer/requirement-hint.ts";

const CLIENT: ClientEnvironment = {
  ...{ python: "3.11.7", language: "3.11", system: "Linux", machine: "x86_64" },
  ...{ libc: "glibc", libcMinor: 36 },
};

const hint = (text: string, extras: string[] = []) => requirementHint(text, CLIENT, extras);

describe("a requirement", () => {
  const read: [string, string, string, string[]][] = [
    ["lib", "lib", "", []],
    ["Zope.Interface >= 5.0", "zope-interface", ">=5.0", []],
    ["lib (>=1.0, <2)", "lib", ">=1.0,<2", []],
    ["lib[b, A]==1.*", "lib", "==1.*", ["b", "a"]],
    ["lib~=1.4.2 ; python_version >= '3.8'", "lib", "~=1.4.2", []],
  ];
  for (const [text, name, specifier, extras] of read) {
    test(`${text} is read`, () => assert.deepEqual(hint(text), { name, specifier, extras }));
  }

  const left = [
    "",
    "lib @ https://elsewhere.test/lib.whl",
    "-r other.txt",
    "../lib",
    "lib; nonsense",
    "lib; python_version",
    "lib; python_version >=",
    "lib; (python_version >= '3'",
    "lib; python_version >= '3' or",
    "lib; 'a' == 'a'",
    "lib; platform_release > '5'",
    `lib${" ".repeat(2000)}`,
  ];
  for (const text of left) {
    test(`${text.slice(0, 40)} is left alone`, () => assert.equal(hint(text), undefined));
  }
});

describe("a marker", () => {
  const cases: [string, boolean][] = [
    ["python_version < '3.11'", false],
    ["python_version < '3.12'", true],
    ["python_version >= '3.9'", true],
    ["'3.9' <= python_version", true],
    ['python_full_version < "3.11.8"', true],
    ["python_full_version < '3.11.3'", false],
    ["sys_platform == 'win32'", false],
    ["sys_platform != 'win32'", true],
    ["platform_system == 'Linux' and python_version > '3'", true],
    ["os_name == 'nt' or platform_machine == 'x86_64'", true],
    ["(os_name == 'nt' or python_version < '3') and sys_platform == 'linux'", false],
    ["os_name == 'nt' and python_version < '3' or sys_platform == 'linux'", true],
    ["implementation_name == 'cpython'", true],
    ["platform_python_implementation != 'PyPy'", true],
    ["extra == 'test'", false],
    ["platform_system == 'Linux' and extra == 'test'", false],
    ["sys_platform in 'linux darwin'", false],
  ];
  for (const [marker, holds] of cases) {
    test(`${marker} ${holds ? "holds" : "does not"}`, () => {
      assert.equal(hint(`lib; ${marker}`) !== undefined, holds);
    });
  }

  test("that asks for an extra holds for who wants that extra", () => {
    assert.notEqual(hint("lib; extra == 'Test'", ["test"]), undefined);
    assert.equal(hint("lib; extra == 'doc'", ["test"]), undefined);
    assert.notEqual(hint("lib; python_version > '3' and extra == 'test'", ["test"]), undefined);
  });
});
