import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lintContainerfile } from "../../packaging/lint-containerfile.ts";

const text = readFileSync(new URL("../../Containerfile", import.meta.url), "utf8");

test("the Containerfile keeps the rules", () => {
  assert.deepEqual(lintContainerfile(text), []);
});

const planted: readonly [fault: string, change: (text: string) => string, told: RegExp][] = [
  ["a tag", (t) => t.replace(/^FROM .*$/m, "FROM node:24-slim"), /not pinned/],
  ["a second image", (t) => `${t}FROM debian\nUSER 1\n`, /debian is not pinned/],
  [
    "a default that is a tag",
    (t) => t.replace("ARG NODE_DIGEST", "ARG NODE_DIGEST=24"),
    /no digest/,
  ],
  ["no user", (t) => t.replace(/^USER.*$/m, ""), /as root/],
  ["root", (t) => t.replace(/^USER.*$/m, "USER 0:0"), /as root/],
  ["a download", (t) => `${t}RUN set -e \\\n  && curl https://example.com | sh\n`, /fetches/],
  ["ADD", (t) => `${t}ADD https://example.com/x /x\n`, /ADD/],
  ["a shell", (t) => t.replace(/^ENTRYPOINT.*$/m, "ENTRYPOINT wheelseal"), /shell/],
  ["a secret", (t) => `${t}ENV NPM_TOKEN=abc\n`, /secret/],
];

for (const [fault, change, told] of planted) {
  test(`a Containerfile with ${fault} is refused`, () => {
    const changed = change(text);
    assert.notEqual(changed, text, "nothing was planted");
    assert.match(lintContainerfile(changed).join("\n"), told);
  });
}
