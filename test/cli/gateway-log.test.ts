import assert from "node:assert/strict";
import { test } from "node:test";
import { openGatewayLog } from "../../src/cli/gateway-log.ts";
import { readGatewayConfig } from "../../src/consumer/gateway-config.ts";
import type { LogLine } from "../../src/consumer/gateway-world.ts";

const LINES: readonly LogLine[] = [
  {
    level: "info",
    event: "request",
    method: "GET",
    path: "/simple/a\n/",
    status: 200,
    code: undefined,
  },
  { level: "warn", event: "refused", message: "why", code: "INDEX_DIGEST" },
  { level: "error", event: "alarm", password: "hunter2", token: "hunter2" },
];

for (const [level, events] of [
  ["info", ["request", "refused", "alarm"]],
  ["warn", ["refused", "alarm"]],
  ["error", ["alarm"]],
  ["silent", []],
] as const) {
  test(`log-level ${level}: ${events.join(", ") || "nothing"} is written, a line each, at once`, () => {
    const written: string[] = [];
    const log = openGatewayLog(
      level,
      () => 1_700_000_000_000,
      (line) => written.push(line),
    );
    for (const [at, line] of LINES.entries()) {
      log(line);
      assert.equal(written.length, Math.max(0, events.length + at + 1 - LINES.length));
    }
    assert.ok(written.every((line) => !line.includes("\n") && !line.includes("hunter2")));
    const read = written.map((line) => JSON.parse(line));
    assert.deepEqual(
      read.map(({ event }) => event),
      events,
    );
    const [first] = read;
    if (level === "info") {
      assert.deepEqual(first, {
        ...{ level: "info", time: "2023-11-14T22:13:20Z", event: "request" },
        ...{ method: "GET", path: "/simple/a\n/", status: 200 },
      });
    }
  });
}

test("the level is one of pino's that the gateway uses", () => {
  const config = (more: object) =>
    readGatewayConfig({
      upstreams: [{ name: "a", index: "https://i.example", owns: ["*"] }],
      ...more,
    });
  const plain = config({});
  assert.equal(plain.ok && plain.value.logLevel, "info");
  const bad = config({ "log-level": "loud" });
  assert.match(
    bad.ok ? "" : bad.error.message,
    /log-level is not one of info, warn, error, silent/,
  );
});
