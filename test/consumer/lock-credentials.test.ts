import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialsLine } from "../../src/consumer/lock-credentials.ts";
import { utf8 } from "../../src/formats/bytes.ts";

const CASES: readonly [string, string, number | undefined][] = [
  ["uv's own call", "# made by\n#  uv export --index https://ci:secret@index.example/simple\n", 2],
  ["a token without a user", "x = 1\ny = 'https://:secret@index.example/'", 2],
  ["a repository's address", "a = 'git+https://me:secret@host.example/a.git'", 1],
  ["the second on a line", "https://a.example https://b:secret@c.example", 1],
  ["a user alone", "git = 'ssh://git@host.example/a.git'", undefined],
  ["uv's own stars", "index = 'https://ci:****@index.example/'", undefined],
  [
    "a variable",
    "--index-url https://ci:$\u007bTOKEN}@index.example/\nhttps://ci:$T@x.example",
    undefined,
  ],
  [
    "a port and a path with @",
    "https://index.example:8080/a@1.0\nhttps://x.example/a:b@c",
    undefined,
  ],
  ["a query with @", "https://x.example:443?q=a:b@c", undefined],
  ["nothing", "", undefined],
];
for (const [name, text, line] of CASES) {
  test(`a password in a lock is found: ${name}`, () => {
    assert.equal(credentialsLine(utf8(text)), line);
  });
}
