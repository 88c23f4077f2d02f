import assert from "node:assert/strict";
import { test } from "node:test";
import { type Alarm, alarmOf } from "../../src/monitor/alarm.ts";
import { gitlabIssue, postAlarms } from "../../src/monitor/notify.ts";
import { fakeOutside, refused } from "../clients/fake-outside.ts";

const log = { url: "https://rekor.example", api: 1, origin: "rekor.example - 1" } as const;
const NOW = Date.parse("2026-11-24T00:00:00Z");
const certificate = {
  sha256: "ab".repeat(32),
  pem: "",
  san: "https://gitlab.example/acme/widgets//.gitlab-ci.yml@refs/heads/x`|\u001b[2J\n## Hello",
  issuer: "https://gitlab.example",
  claims: { "13": "0123", "21": "https://gitlab.example/acme/widgets/-/jobs/302" },
  notBefore: "2026-06-01T12:00:00Z",
};
const entry = {
  index: 7,
  leafHash: "cd".repeat(32),
  kind: "hashedrekord 0.0.1",
  digest: "sha256:ef",
  certificate,
};
const { alarm: signed } = alarmOf(
  { code: "MONITOR_UNKNOWN", message: "entry 7: who signed `what`", log, entry, event: "7" },
  NOW,
);
const { alarm: forked } = alarmOf(
  {
    code: "TLOG_CONSISTENCY",
    message: "two trees",
    log,
    event: "a",
    proof: { kept: "one\n```\n", offered: "two\n" },
  },
  NOW,
);

test("an event is one, whenever it is seen, and others are others", () => {
  const cause = { code: "MONITOR_GAP", message: "x", log, event: "entry 7" } as const;
  const seen = [
    alarmOf(cause, NOW),
    alarmOf({ ...cause, message: "said otherwise" }, NOW + 1),
    alarmOf({ ...cause, event: "entry 8" }, NOW),
    alarmOf({ ...cause, log: { ...log, origin: "other" } }, NOW),
    alarmOf({ ...cause, log: { ...log, api: 2 } }, NOW),
    alarmOf({ ...cause, code: "MONITOR_ALTERED" }, NOW),
  ];
  assert.equal(seen[0]?.event, seen[1]?.event);
  assert.equal(new Set(seen.map(({ event }) => event)).size, 5);
  assert.equal(new Set(seen.map(({ alarm }) => alarm.id)).size, 6);
  const [first, later] = [NOW, NOW + 1].map((now) => alarmOf({ ...cause, entry }, now, 5));
  assert.deepEqual([first?.alarm.id, first?.due], [later?.alarm.id, NOW + 5]);
});

test("each alarm is posted as JSON, with its id against doubles", async () => {
  const { outside, calls } = fakeOutside(new Response("", { status: 202 }));
  const url = "https://hooks.example/services/SECRET";
  assert.deepEqual(await postAlarms([signed, forked], url, outside), {
    ok: true,
    value: undefined,
  });
  assert.deepEqual(
    calls.map(({ headers }) => headers.get("idempotency-key")),
    [signed.id, forked.id],
  );
  const body = JSON.parse(new TextDecoder().decode(calls[0]?.body)) as {
    text: string;
    alarm: Alarm;
  };
  assert.deepEqual(body.alarm, signed);
  assert.match(body.text, /^MONITOR_UNKNOWN: entry 7: /);
});

test("a webhook that fails is told without its address", async () => {
  const url = "https://hooks.example/services/SECRET";
  for (const [answer, code] of [
    [refused(), "NETWORK_UNREACHABLE"],
    [new Response("no", { status: 403 }), "NETWORK_RESPONSE"],
    [
      new Response("", { status: 302, headers: { location: "https://other.example/" } }),
      "NETWORK_RESPONSE",
    ],
  ] as const) {
    const { outside } = fakeOutside(answer);
    const told = await postAlarms([signed], url, outside);
    assert.equal(told.ok ? "" : told.error.code, code);
    assert.doesNotMatch(JSON.stringify(told), /SECRET|hooks/);
  }
});

test("an issue is confidential, names its alarm, and nothing in it escapes", () => {
  const issue = gitlabIssue(signed);
  assert.equal(issue.confidential, true);
  assert.equal(issue.labels, "security,wheelseal-monitor,MONITOR_UNKNOWN");
  assert.ok(issue.description.includes(`| Alarm | \`${signed.id}\` |`));
  assert.ok(
    issue.description.includes("| Job | `https://gitlab.example/acme/widgets/-/jobs/302` |"),
  );
  const row = issue.description.split("\n").find((line) => line.startsWith("| Identity |"));
  assert.match(row ?? "", /^\| Identity \| `[^`|\n]+` \|$/);
  for (const hidden of ["\n## Hello", "\u001b"]) {
    assert.ok(!issue.description.includes(hidden) && !issue.title.includes(hidden));
  }
  const proof = gitlabIssue(forked).description;
  assert.ok(proof.includes("Checkpoint before:\n\n    one\n    ```\n"));
  assert.ok(proof.includes("Checkpoint now:\n\n    two\n"));
  assert.equal(gitlabIssue({ ...signed, message: "x".repeat(1000) }).title.length, 255);
});
