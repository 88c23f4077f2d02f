import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { base64, concat, hex } from "../../src/formats/bytes.ts";
import { cosignatureKeyHint } from "../../src/formats/checkpoint.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseDuration, readMonitorConfig } from "../../src/monitor/monitor-config.ts";

const identities = [{ kind: "gitlab", issuer: "https://gitlab.example", project: "acme/widgets" }];

const key = generateKey("ed25519").publicKey;
const vkey = (name: string) =>
  `${name}+${hex(cosignatureKeyHint(name, key))}+${base64(concat(Uint8Array.of(4), key.spki.subarray(-32)))}`;

test("everything that can be said", () => {
  const config = unwrap(
    readMonitorConfig({
      identities,
      logs: [{ url: "https://rekor.example/", api: 1 }],
      records: ["dist"],
      strict: true,
      grace: "30m",
      "max-age": "2d",
      witnesses: [vkey("w.example")],
      "witness-threshold": 1,
      state: "state",
      interval: "5m",
      "webhook-url-env": "HOOK",
      "gitlab-issues": "-",
    }),
  );
  assert.deepEqual(
    { ...config, witnesses: config.witnesses.map(({ name }) => name) },
    {
      identities,
      logs: [{ url: "https://rekor.example", api: 1 }],
      records: ["dist"],
      strict: true,
      grace: 1_800_000,
      maxAge: 172_800_000,
      witnesses: ["w.example"],
      witnessThreshold: 1,
      state: "state",
      interval: 300_000,
      webhookUrlEnv: "HOOK",
      gitlabIssues: "-",
    },
  );
  const least = unwrap(readMonitorConfig({ identities }));
  assert.deepEqual([least.strict, least.grace, least.witnessThreshold], [false, 0, 0]);
  assert.equal(
    unwrap(readMonitorConfig({ witnesses: [vkey("a"), vkey("b")], "witness-threshold": 1 }))
      .witnessThreshold,
    1,
  );
});

const REFUSED: readonly [string, unknown][] = [
  ["no table", []],
  ["a misspelt key", { identities, record: ["dist"] }],
  [
    "a kind of identity that does not exist",
    { identities: [{ kind: "regex", issuer: "https://x", identity: ".*" }] },
  ],
  ["an identity without an issuer", { identities: [{ kind: "gitlab", project: "acme/widgets" }] }],
  ["another API", { logs: [{ url: "https://rekor.example", api: 3 }] }],
  ["a log with something more", { logs: [{ url: "https://rekor.example", api: 1, key: "x" }] }],
  ["no time", { interval: "soon" }],
  ["no pause", { interval: "0s" }],
  ["an empty folder", { records: [""] }],
  ["a witness that is none", { witnesses: ["w"] }],
  [
    "a log's key as witness",
    { witnesses: ["example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"] },
  ],
  ["more witnesses than there are", { witnesses: [vkey("w")], "witness-threshold": 2 }],
  [
    "one key under two names for two",
    { witnesses: [vkey("a"), vkey("b")], "witness-threshold": 2 },
  ],
  ["fewer than none", { "witness-threshold": -1 }],
];
for (const [name, value] of REFUSED) {
  test(`refused: ${name}`, () => {
    const read = readMonitorConfig(value);
    assert.equal(read.ok ? "ok" : read.error.code, "CONFIG");
  });
}

test("times", () => {
  assert.deepEqual(["30s", "5m", "2h", "7d", "5", "m", "-1s", "1.5h", "1w"].map(parseDuration), [
    30_000,
    300_000,
    7_200_000,
    604_800_000,
    ...Array.from({ length: 5 }, () => undefined),
  ]);
});
