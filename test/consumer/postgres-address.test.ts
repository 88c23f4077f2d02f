import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  isPostgresUrl,
  type PostgresAddress,
  parsePostgresUrl,
  passwordIn,
} from "../../src/consumer/postgres-address.ts";

const local = { host: "localhost", port: 5432, database: "gw", user: "me" };

describe("the URL of a database", () => {
  const good: [string, PostgresAddress][] = [
    ["postgres://me@localhost/gw", local],
    ["postgresql://me@localhost:5433/gw", { ...local, port: 5433 }],
    ["postgres:///gw?host=/run/pg&user=me", { ...local, host: "/run/pg" }],
    ["postgres://me@[::1]:5433/gw", { ...local, host: "::1", port: 5433 }],
    ["postgres://me@[2001:db8::1]/gw", { ...local, host: "2001:db8::1", tls: {} }],
    ["postgres://me@db.example/gw", { ...local, host: "db.example", tls: {} }],
    ["postgres://me@db.example/gw?sslmode=disable", { ...local, host: "db.example" }],
    ["postgres://me@localhost/gw?sslmode=verify-full", { ...local, tls: {} }],
    ["postgres://me@localhost/gw?sslrootcert=ca.pem", { ...local, tls: { rootFile: "ca.pem" } }],
    ["postgres://a%40b@localhost/g%2Fw", { ...local, user: "a@b", database: "g/w" }],
  ];
  for (const [url, address] of good) {
    test(`${url} is read`, () => {
      assert.deepEqual(parsePostgresUrl(url), { ok: true, value: address });
    });
  }

  const bad: [string, string][] = [
    ["postgres://me:hunter2@localhost/gw", "STATE_PASSWORD"],
    ["postgres:///gw?user=me&host=a,b&sslmode=disable", "CONFIG"],
    ["postgres://me@localhost/gw?password=hunter2", "STATE_PASSWORD"],
    ["postgres://localhost/gw", "CONFIG"],
    ["postgres://me@localhost/", "CONFIG"],
    ["postgres://me@localhost/gw?sslmode=require", "CONFIG"],
    ["postgres://me@localhost/gw?options=hunter2", "CONFIG"],
    ["postgres://me@localhost/gw?port=0", "CONFIG"],
    ["postgres://me:hunter2@local host/gw", "CONFIG"],
    ["postgres://%zz@localhost/gw", "CONFIG"],
    ["postgres://me@localhost/%e0", "CONFIG"],
  ];
  for (const [url, code] of bad) {
    test(`${url} is refused, and not shown`, () => {
      const parsed = parsePostgresUrl(url);
      assert.ok(!parsed.ok);
      assert.equal(parsed.error.code, code);
      assert.doesNotMatch(parsed.error.message, /hunter2|localhost/);
    });
  }

  test("is told from a folder", () => {
    assert.ok(isPostgresUrl("postgres://a"));
    assert.ok(isPostgresUrl("PostgreSQL://a"));
    assert.ok(!isPostgresUrl("postgres"));
    assert.ok(!isPostgresUrl("./postgres:/x"));
  });
});

describe("a password file", () => {
  const content = [
    "# localhost:*:*:me:a comment",
    "db.example:5432:gw:me:first",
    "*:5432:gw:other:not mine",
    "localhost:*:*:me:with\\:colon\\\\and more",
    "*:*:*:*:the rest",
  ].join("\r\n");
  const cases: [Partial<PostgresAddress>, string][] = [
    [{ host: "db.example" }, "first"],
    [{}, "with:colon\\and more"],
    [{ host: "/run/pg" }, "with:colon\\and more"],
    [{ host: "db.example", database: "else" }, "the rest"],
  ];
  for (const [address, password] of cases) {
    test(`has ${password} for ${JSON.stringify(address)}`, () => {
      assert.equal(passwordIn(content, { ...local, ...address }), password);
    });
  }

  test("may have none", () => {
    assert.equal(passwordIn("db.example:5432:gw:me:first\nnonsense\n", local), undefined);
  });
});
