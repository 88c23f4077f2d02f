import assert from "node:assert/strict";
import { test } from "node:test";
import { type ProposedEntry, rekorAt } from "../../src/clients/rekor.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { fakeOutside, jsonAnswer } from "./fake-outside.ts";

const UUID = `${"0123456789abcdef"}${"a".repeat(64)}`;
const BODY = Buffer.from('{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}');

const logEntry = (changes: Record<string, unknown> = {}) => ({
  logID: "ab".repeat(32),
  logIndex: 7,
  body: BODY.toString("base64"),
  integratedTime: 1_700_000_000,
  verification: {
    signedEntryTimestamp: "MEUC",
    inclusionProof: {
      logIndex: 3,
      rootHash: "cd".repeat(32),
      treeSize: 4,
      hashes: ["ef".repeat(32)],
      checkpoint: "log\n4\nroot\n",
    },
  },
  ...changes,
});

const PROPOSED: ProposedEntry = {
  kind: "hashedrekord",
  sha256: new Uint8Array(32).fill(1),
  signature: new Uint8Array([48, 0]),
  verifier: "PEM\n",
};

const at = (outside: ReturnType<typeof fakeOutside>["outside"]) =>
  rekorAt("https://rekor.example/", outside);

const codeOf = (result: Result<unknown>) => (result.ok ? "ok" : result.error.code);

test("an entry is proposed as hashedrekord 0.0.1, and the log's answer parsed", async () => {
  const { outside, calls } = fakeOutside(jsonAnswer({ [UUID]: logEntry() }, 201));
  const entry = unwrap(await at(outside).create(PROPOSED));
  assert.equal(calls[0]!.url, "https://rekor.example/api/v1/log/entries");
  assert.deepEqual(JSON.parse(Buffer.from(calls[0]!.body).toString()), {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: "01".repeat(32) } },
      signature: { content: "MAA=", publicKey: { content: "UEVNCg==" } },
    },
  });
  assert.equal(entry.kind, "hashedrekord");
  assert.equal(entry.version, "0.0.1");
  assert.equal(entry.logIndex, 7n);
  assert.equal(entry.inclusionProof?.logIndex, 3n);
  assert.equal(entry.inclusionProof?.hashes.length, 1);
  assert.deepEqual(entry.canonicalizedBody, new Uint8Array(BODY));
});

const conflict = (location?: string, message = "exists") =>
  jsonAnswer({ code: 409, message }, 409, location === undefined ? {} : { location });

for (const [what, answer] of [
  ["Location", conflict(`/api/v1/log/entries/${UUID}`)],
  ["Location on another host", conflict(`https://evil.example/api/v1/log/entries/${UUID}`)],
  ["the message", conflict(undefined, `already exists with UUID ${UUID}`)],
] as const) {
  test(`409 with the UUID in ${what}: the entry is fetched from the same log`, async () => {
    const { outside, calls } = fakeOutside(answer, jsonAnswer({ [UUID]: logEntry() }));
    unwrap(await at(outside).create(PROPOSED));
    assert.equal(calls[1]!.method, "GET");
    assert.equal(calls[1]!.url, `https://rekor.example/api/v1/log/entries/${UUID}`);
  });
}

const unusable: [string, string, Response][] = [
  ["409 without a place", "REKOR_RESPONSE", conflict("/nowhere")],
  ["a refusal", "REKOR_REFUSED", jsonAnswer({ code: 400, message: "bad signature" }, 400)],
  ["no JSON", "REKOR_RESPONSE", new Response("<html>")],
  ["no entry", "REKOR_RESPONSE", jsonAnswer({})],
  ["two entries", "REKOR_RESPONSE", jsonAnswer({ [UUID]: logEntry(), x: logEntry() })],
  ["no UUID", "REKOR_RESPONSE", jsonAnswer({ x: logEntry() })],
  ["a body that is no JSON", "REKOR_RESPONSE", jsonAnswer({ [UUID]: logEntry({ body: "AAAA" }) })],
  ["no verification", "REKOR_RESPONSE", jsonAnswer({ [UUID]: logEntry({ verification: null }) })],
  ["a huge answer", "REKOR_RESPONSE", new Response(new Uint8Array(4 * 1024 * 1024 + 1))],
];

for (const [what, code, answer] of unusable) {
  test(`${what}: ${code}`, async () => {
    assert.equal(codeOf(await at(fakeOutside(answer).outside).create(PROPOSED)), code);
  });
}

test("entries are found by what was proposed; none is no failure", async () => {
  const entry: ProposedEntry = { kind: "dsse", envelope: "{}", verifier: "PEM\n" };
  const { outside, calls } = fakeOutside(jsonAnswer([{ [UUID]: logEntry() }]), jsonAnswer([]));
  assert.equal(unwrap(await at(outside).find(entry)).length, 1);
  assert.deepEqual(unwrap(await at(outside).find(entry)), []);
  assert.ok(calls[0]!.url.endsWith("/api/v1/log/entries/retrieve"));
  const { entries } = JSON.parse(Buffer.from(calls[0]!.body).toString());
  assert.deepEqual(entries[0].spec.proposedContent, { envelope: "{}", verifiers: ["UEVNCg=="] });
});

test("a malformed UUID is asked of nobody", async () => {
  const { outside, calls } = fakeOutside(jsonAnswer({}));
  assert.equal(codeOf(await at(outside).entry("../../x")), "REKOR_RESPONSE");
  assert.equal(calls.length, 0);
});
