import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findPython } from "../../src/clients/python.ts";
import { unwrap } from "../../src/formats/result.ts";

const bin = mkdtempSync(join(tmpdir(), "wheelseal-python-"));
after(() => rmSync(bin, { recursive: true, force: true }));

/** An "interpreter" that answers the probe as `version` would. */
const pretend = (name: string, version: string): void => {
  const numbers = version.split(".").slice(0, 2).map(Number);
  const answer = JSON.stringify([
    `/x/${version}`,
    version,
    "CPython",
    "linux-x86_64",
    "Linux",
    numbers,
  ]);
  writeFileSync(join(bin, name), `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(join(bin, name), 0o755);
};
pretend("python3", "3.11.7");
pretend("python3.10", "3.10.14");
pretend("python3.12", "3.13.1");
pretend("python3.9", "3.9.18");
pretend("python", "2.7.18");
writeFileSync(join(bin, "broken"), "#!/bin/sh\necho shim: not found >&2\nexit 127\n");
chmodSync(join(bin, "broken"), 0o755);

const environment = { PATH: bin };

const found: readonly [string, Omit<Parameters<typeof findPython>[0], "environment">, string][] = [
  ["python3 where nothing is asked for", {}, "3.11.7"],
  ["the minor version asked for", { pythonVersion: "3.10" }, "3.10.14"],
  ["the patch version asked for", { pythonVersion: "3.10.14" }, "3.10.14"],
  ["another command that has the version", { pythonVersion: "3.11" }, "3.11.7"],
  ["the program named", { python: join(bin, "python3.10") }, "3.10.14"],
];

for (const [what, wish, version] of found) {
  test(`finds ${what}`, async () => {
    assert.equal(unwrap(await findPython({ ...wish, environment })).version, version);
  });
}

const missing: readonly [string, Omit<Parameters<typeof findPython>[0], "environment">, RegExp][] =
  [
    ["a version that is not there", { pythonVersion: "3.14" }, /ENOENT.*3\.11\.7, not 3\.14/],
    ["a command that is another version", { pythonVersion: "3.12" }, /3\.13\.1, not 3\.12/],
    ["a patch that is not there", { pythonVersion: "3.10.1" }, /3\.10\.14, not 3\.10\.1/],
    ["what is too old", { python: "python3.9" }, /older than 3\.10/],
    ["Python 2", { python: "python" }, /is Python 2\.7\.18/],
    ["a program that does not run", { python: "broken" }, /shim: not found/],
    ["a program that is no Python", { python: "/bin/echo" }, /not a Python interpreter/],
    ["words that are no version", { pythonVersion: "3.10; rm" }, /is not like 3\.10/],
  ];

for (const [what, wish, message] of missing) {
  test(`refuses ${what}`, async () => {
    const python = await findPython({ ...wish, environment });
    assert.equal(python.ok ? "" : python.error.code, "BUILD_PYTHON");
    assert.match(python.ok ? "" : python.error.message, message);
  });
}
