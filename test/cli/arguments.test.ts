import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ENTRIES } from "../../src/cli/entries.ts";
import { plainArguments } from "../../src/cli/plain-arguments.ts";
import { parseArguments } from "../../src/cli/program.ts";

const words = [
  ...["", "-", "--", "--help", "-h", "-V", "--json", "--json=true", "--no-json", "-1", "-x"],
  ...["a", "b=c", "--bundle", "--bundle=", "--bundle=x", "--bundle=-x", "--unknown", "help"],
  ...["--offline", "--rekor-v2-url", "--out", "--out=d", "--certificate-per-file", "--format"],
];

test("what is understood without the whole parser, that understands in the same way", () => {
  const command = fc.constantFrom(...ENTRIES.map(({ name }) => name), "help", "nothing");
  const argument = fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 }));
  let understood = 0;
  fc.assert(
    fc.property(command, fc.array(argument, { maxLength: 5 }), (name, args) => {
      const plain = plainArguments([name, ...args]);
      if (plain === undefined) return;
      understood += 1;
      assert.deepEqual(parseArguments([name, ...args]), plain);
    }),
    { numRuns: 3000 },
  );
  assert.ok(understood > 100, `${understood} were understood`);
});

test("arguments of a usual call are understood without the whole parser", () => {
  const call = ["verify", "a.whl", "--bundle", "b", "--certificate-identity", "c", "--offline"];
  const flags = { bundle: "b", "certificate-identity": "c", offline: true };
  const { operands, flags: found } = plainArguments(call)!;
  assert.deepEqual({ operands, found }, { operands: ["a.whl"], found: flags });
});

test("help and mistakes are left to the whole parser", () => {
  const cases = [
    [],
    ["verify", "--help"],
    ["verfy"],
    ["explain"],
    ["up", "x"],
    ["consume", "a", "b"],
  ];
  for (const argv of cases) assert.equal(plainArguments(argv), undefined, argv.join(" "));
});
