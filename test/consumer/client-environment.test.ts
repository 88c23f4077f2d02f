import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ClientEnvironment,
  clientEnvironment,
  isPythonFor,
  wheelRank,
} from "../../src/consumer/client-environment.ts";

// As they were sent.
const PIP =
  'pip/23.2.1 {"ci":null,"cpu":"x86_64","distro":{"id":"bookworm","libc":{"lib":"glibc","version":"2.36"},"name":"Debian GNU/Linux","version":"12"},"implementation":{"name":"CPython","version":"3.11.7"},"installer":{"name":"pip","version":"23.2.1"},"openssl_version":"OpenSSL 3.0.19 27 Jan 2026","python":"3.11.7","rustc_version":"1.95.0","setuptools_version":"65.5.0","system":{"name":"Linux","release":"6.18.44"}}';
const UV =
  'uv/0.13.9 {"installer":{"name":"uv","version":"0.13.9","subcommand":["pip","install"]},"python":"3.11.7","implementation":{"name":"CPython","version":"3.11.7"},"distro":{"name":"Debian GNU/Linux","version":"12","id":"bookworm","libc":{"lib":"glibc","version":"2.36"}},"system":{"name":"Linux","release":"6.18.44"},"cpu":"x86_64","openssl_version":null,"setuptools_version":null,"rustc_version":null,"ci":null}';

const DEBIAN: ClientEnvironment = {
  ...{ python: "3.11.7", language: "3.11", system: "Linux", machine: "x86_64" },
  ...{ libc: "glibc", libcMinor: 36 },
};
const ALPINE: ClientEnvironment = { ...DEBIAN, libc: "musl" };
const MAC: ClientEnvironment = { ...DEBIAN, system: "Darwin", machine: "arm64" };
const WINDOWS: ClientEnvironment = { ...DEBIAN, system: "Windows", machine: "amd64" };

describe("what a client says of its Python", () => {
  test("is read from the User-Agent of pip and uv", () => {
    assert.deepEqual(clientEnvironment(PIP), DEBIAN);
    assert.deepEqual(clientEnvironment(UV), DEBIAN);
  });

  const strange: [string, string | null][] = [
    ["no agent", null],
    ["another program", "curl/8.0"],
    ["another program that says as much", PIP.replace("pip/", "twine/")],
    ["no JSON", "pip/23.2.1 {python}"],
    ["JSON that is no object", "pip/23.2.1 []"],
    ["another implementation", PIP.replaceAll("CPython", "PyPy")],
    ["Python 2", PIP.replaceAll("3.11.7", "2.7.18")],
    ["a Python that is no version", PIP.replaceAll("3.11.7", "3.11.7; echo")],
    [
      "another system",
      PIP.replace('Linux"', 'Plan9"').replace('"Linux","release', '"Plan9","release'),
    ],
    ["a machine that is a path", PIP.replace("x86_64", "../../etc")],
    ["a text without end", `${PIP.slice(0, -1)}${" ".repeat(3000)}}`],
  ];
  for (const [what, agent] of strange) {
    test(`is not guessed from ${what}`, () => assert.equal(clientEnvironment(agent), undefined));
  }
});

describe("how well a wheel fits", () => {
  const cases: [string, ClientEnvironment, number][] = [
    ["py3-none-any", DEBIAN, 1],
    ["py2.py3-none-any", DEBIAN, 1],
    ["py2-none-any", DEBIAN, 0],
    ["cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", DEBIAN, 3],
    ["cp311-cp311-manylinux_2_39_x86_64", DEBIAN, 0],
    ["cp311-cp311-manylinux_2_17_aarch64", DEBIAN, 0],
    ["cp311-cp311-musllinux_1_2_x86_64", DEBIAN, 0],
    ["cp311-cp311-musllinux_1_2_x86_64", ALPINE, 3],
    ["cp311-cp311-manylinux_2_17_x86_64", ALPINE, 0],
    ["cp310-cp310-manylinux_2_17_x86_64", DEBIAN, 0],
    ["cp39-abi3-manylinux_2_17_x86_64", DEBIAN, 2],
    ["cp312-abi3-manylinux_2_17_x86_64", DEBIAN, 0],
    ["cp311-cp311-linux_x86_64", DEBIAN, 3],
    ["py3-none-manylinux1_x86_64", DEBIAN, 1],
    ["pp311-pypy311_pp73-manylinux_2_17_x86_64", DEBIAN, 0],
    ["cp311-cp311-macosx_11_0_arm64", MAC, 3],
    ["cp311-cp311-macosx_10_9_universal2", MAC, 3],
    ["cp311-cp311-macosx_10_9_x86_64", MAC, 0],
    ["cp311-cp311-win_amd64", WINDOWS, 3],
    ["cp311-cp311-win32", WINDOWS, 0],
    ["cp311-cp311-win_amd64", DEBIAN, 0],
  ];
  for (const [tags, client, rank] of cases) {
    test(`${tags} has ${rank} on ${client.system} with ${client.libc}`, () => {
      assert.equal(wheelRank(client, `acme-1.0-${tags}.whl`), rank);
      assert.equal(wheelRank(client, `acme-1.0-1build-${tags}.whl`), rank);
    });
  }

  test("a Requires-Python may let it in or not", () => {
    assert.deepEqual(
      [undefined, ">=3.8", ">=3.12", "!=3.11.*,>=3", ">=3.11,<4"].map((one) =>
        isPythonFor(DEBIAN, one),
      ),
      [true, true, false, false, true],
    );
  });
});
