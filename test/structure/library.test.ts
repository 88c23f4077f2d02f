import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = (path: string): string =>
  readFileSync(new URL(`../../src/${path}`, import.meta.url), "utf8");

/** Every name that the library's entry gives out, and the file that declares it. */
const exported = [
  ...source("wheelseal.ts").matchAll(/^export (?:type )?\{([^}]+)\} from "\.\/(.+?)";$/gms),
].flatMap(([, names = "", file = ""]) =>
  names
    .split(",")
    .map((name) => name.trim().replace(/^type /, ""))
    .filter((name) => name !== "")
    .map((name) => ({ name, file })),
);

test("the entry is nothing but exports, and each is found here", () => {
  const lines = source("wheelseal.ts").match(/ from "\.\//g) ?? [];
  assert.ok(exported.length > 40);
  assert.equal(new Set(exported.map(({ file }) => file)).size, lines.length);
});

for (const { name, file } of exported) {
  test(`${name} has a docstring`, () => {
    const declaration = new RegExp(
      `/\\*\\*((?:(?!\\*/).)+)\\*/\\nexport (?:const|type) ${name}\\b`,
      "s",
    );
    const docstring = declaration.exec(source(file))?.[1] ?? "";
    assert.ok(docstring.trim().length > 10, `${file} does not say what ${name} is`);
  });
}

test("functions that can fail name their codes", () => {
  for (const { name, file } of exported) {
    const declared = new RegExp(
      `/\\*\\*((?:(?!\\*/).)+)\\*/\\nexport const ${name}\\b[^;]*?Result<`,
      "s",
    ).exec(source(file));
    if (declared !== null) assert.match(declared[1] ?? "", /@returns.*[A-Z]+_/s, name);
  }
});
