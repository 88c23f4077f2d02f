import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspectDistribution } from "../../src/clients/archive.ts";
import { compareRelease } from "../../src/consumer/gateway-siblings.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openStack } from "../stages/sign-support.ts";
import { entry, sdist, wheel } from "./attack-files.ts";
import { gatewayFor } from "./gateway-support.ts";
import { hostileUpstream, metadataOf, type OpenStack, signWheel } from "./hostile-upstream.ts";
import type { ListedFile } from "./upstream-server.ts";

const GREETING = "GREETING = 'hello'\n";

const metadata = (...lines: string[]) =>
  ["Metadata-Version: 2.4", "Name: demo", "Version: 1.0", ...lines, "", ""].join("\n");

const old = metadata("Requires-Dist: idna").replace("2.4", "2.1");

describe("a wheel and the sdist of its release", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "wheelseal-siblings-"));
  });
  after(() => rm(folder, { recursive: true }));

  const inspected = async ({ filename, content }: ListedFile) => {
    const path = join(folder, filename);
    await writeFile(path, content);
    return unwrap(await inspectDistribution(path));
  };

  const compare = async (one: ListedFile, other: ListedFile) => {
    const [made, source] = [await inspected(one), await inspected(other)];
    assert.ok(made.kind === "wheel" && source.kind === "sdist");
    return compareRelease(made, source);
  };

  const file = (name: string, content = GREETING) => ({ name: `ROOT/${name}`, content });

  const agree: [string, ListedFile, ListedFile][] = [
    ["the same module", wheel("demo"), sdist("demo", [file("demo.py")])],
    ["the same module below src", wheel("demo"), sdist("demo", [file("src/demo.py")])],
    [
      "another file of that name, and the same one",
      wheel("demo"),
      sdist("demo", [file("demo.py", "x"), file("src/demo.py")]),
    ],
    [
      "a module that the build makes",
      wheel("demo", { more: [entry("made.py", "x")] }),
      sdist("demo", [file("demo.py")]),
    ],
    [
      "the same dependencies in another order and spacing",
      wheel("demo", { metadata: metadata("Requires-Dist: a>1", "Requires-Dist: b") }),
      sdist("demo", [], metadata("Requires-Dist: b", "Requires-Dist: a > 1")),
    ],
    [
      "dependencies that only the build tells",
      wheel("demo", { metadata: metadata("Requires-Dist: idna") }),
      sdist("demo", [], metadata("Dynamic: Requires-Dist")),
    ],
    [
      "metadata from before it could be final",
      wheel("demo", { metadata: metadata() }),
      sdist("demo", [], old),
    ],
  ];
  for (const [what, one, other] of agree) {
    test(`agree with ${what}`, async () => {
      assert.deepEqual(await compare(one, other), { ok: true, value: undefined });
    });
  }

  const differ: [string, ListedFile, ListedFile, RegExp][] = [
    ["a module", wheel("demo"), sdist("demo", [file("src/demo.py", "x")]), /another demo\.py/],
    [
      "a dependency",
      wheel("demo", { metadata: metadata("Requires-Dist: evil") }),
      sdist("demo", [], metadata()),
      /another Requires-Dist/,
    ],
    [
      "the Python they need",
      wheel("demo", { metadata: metadata("Requires-Python: >=3") }),
      sdist("demo", [], metadata("Requires-Python: >=3.9")),
      /another Requires-Python/,
    ],
  ];
  for (const [what, one, other, message] of differ) {
    test(`differ in ${what}`, async () => {
      const outcome = await compare(one, other);
      assert.ok(!outcome.ok);
      assert.equal(outcome.error.code, "GATEWAY_RELEASE_DIFFERS");
      assert.match(outcome.error.message, message);
    });
  }
});

describe("whichever is asked for first", () => {
  let opened: OpenStack;
  before(async () => {
    opened = await openStack();
  });
  after(() => opened.close());

  const source = sdist(
    "greeter",
    [{ name: "ROOT/greeter.py", content: "x" }],
    metadataOf("greeter", "1.0"),
  );

  /** A gateway where the wheel is signed and the sdist pinned, or the other way round. */
  const open = async () => {
    const upstream = hostileUpstream();
    const signed = await signWheel(opened, "greeter", "1.0");
    upstream.add(signed);
    upstream.add({ ...source, evidence: new Map() });
    const identities = [
      { kind: "gitlab", issuer: opened.stack.urls.gitlab, project: "local/packages" },
    ];
    const pins = [`sha256:${hex(sha256(source.content))}`];
    const policy = { packages: { greeter: { identities, pins } } };
    const gate = await gatewayFor(opened, upstream, { policy });
    const ask = async (filename: string) => {
      const answer = await gate.get(filename);
      await answer.body?.cancel();
      return answer.headers.get("x-wheelseal-code") ?? "served";
    };
    return { gate, ask, wheel: signed.filename };
  };

  test("the pinned one is served, the other is not", async () => {
    const { gate, ask, wheel: signed } = await open();
    assert.equal(await ask(source.filename), "served");
    assert.equal(await ask(signed), "GATEWAY_RELEASE_DIFFERS");
    const kinds = (await gate.events()).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["accepted", "alarm"]);
    await gate.remove();
  });

  test("of both at once, the one that is not pinned is never served after the other", async () => {
    const { gate, ask, wheel: signed } = await open();
    await Promise.all([ask(source.filename), ask(signed)]);
    const events = await gate.events();
    // A pinned file stands for itself; the other one was compared with it, or came before it.
    const pinnedFirst = events[0]?.filename === source.filename;
    assert.equal(await ask(signed), pinnedFirst ? "GATEWAY_RELEASE_DIFFERS" : "served");
    await gate.remove();
  });
});
