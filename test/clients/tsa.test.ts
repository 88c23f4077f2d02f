import assert from "node:assert/strict";
import { test } from "node:test";
import { timestampAuthorityAt } from "../../src/clients/tsa.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Certificate } from "../../src/formats/certificate.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  parseTimestampRequest,
  type TimestampRequest,
} from "../../src/formats/timestamp-request.ts";
import {
  grantTimestamp,
  rejectTimestamp,
  type TimestampSigner,
} from "../../src/formats/timestamp-writer.ts";
import { type Call, fakeOutside } from "./fake-outside.ts";

const DIGEST = new Uint8Array(32).fill(7);

const EMPTY = new Uint8Array([48, 0]);

// The client reads a token without verifying it, so these parts of a certificate are enough.
const signer: TimestampSigner = {
  key: generateKey("ecdsa-p256"),
  certificate: { der: EMPTY, issuer: EMPTY, serial: new Uint8Array([1]) } as Certificate,
};

const granting =
  (change: Partial<TimestampRequest>) =>
  ({ body }: Call): Response => {
    const parsed = unwrap(parseTimestampRequest(body));
    assert.ok(parsed.kind === "request");
    const grant = { policy: "1.2.3", serialNumber: 1n, genTime: 1_700_000_000_000 };
    const reply = grantTimestamp(signer, { ...parsed.request, ...change }, grant);
    return new Response(new Uint8Array(reply), { status: 201 });
  };

const rejected = () => new Response(new Uint8Array(rejectTimestamp("badRequest", "no")));

const cases: [string, string, Response | ((call: Call) => Response)][] = [
  ["what was asked", "ok", granting({})],
  ["another digest", "TSA_RESPONSE", granting({ digest: new Uint8Array(32) })],
  ["another nonce", "TSA_RESPONSE", granting({ nonce: 1n })],
  ["no nonce", "TSA_RESPONSE", granting({ nonce: undefined })],
  ["a rejection", "TSA_REFUSED", rejected()],
  ["an error status", "TSA_REFUSED", new Response("no", { status: 400 })],
  ["no timestamp", "TSA_RESPONSE", new Response("hello")],
];

for (const [what, code, answer] of cases) {
  test(`an authority that answers with ${what}: ${code}`, async () => {
    const { outside, calls } = fakeOutside(answer);
    const result = await timestampAuthorityAt("https://tsa.example/x", outside).stamp(DIGEST);
    assert.equal(result.ok ? "ok" : result.error.code, code);
    assert.equal(calls[0]!.headers.get("content-type"), "application/timestamp-query");
  });
}
