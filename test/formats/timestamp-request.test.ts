import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex } from "../../src/formats/bytes.ts";
import { der, integer, octetString, oid, sequence, TAG } from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  DIGEST_BYTES,
  encodeTimestampRequest,
  messageImprint,
  parseTimestampRequest,
  type TimestampRequest,
} from "../../src/formats/timestamp-request.ts";

const requests: fc.Arbitrary<TimestampRequest> = fc
  .constantFrom("sha256" as const, "sha384" as const, "sha512" as const)
  .chain((hash) =>
    fc.record({
      hash: fc.constant(hash),
      digest: fc.uint8Array({ minLength: DIGEST_BYTES[hash], maxLength: DIGEST_BYTES[hash] }),
      policy: fc.constantFrom(undefined, "1.3.6.1.4.1.57264.2", "2.999.1"),
      nonce: fc.option(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), { nil: undefined }),
      certificates: fc.boolean(),
    }),
  );

test("parsing undoes encoding", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const parsed = unwrap(parseTimestampRequest(encodeTimestampRequest(request)));
      assert.deepEqual(parsed, {
        kind: "request",
        request: { ...request, digest: parsed.kind === "request" ? parsed.request.digest : [] },
      });
      assert.deepEqual(parsed.kind === "request" && [...parsed.request.digest], [
        ...request.digest,
      ]);
    }),
  );
});

test("a request of OpenSSL is read", () => {
  // openssl ts -query -digest 00…1f -sha256 -cert, OpenSSL 3.0
  const bytes = unwrap(
    fromHex(
      "3044020101" +
        "3031300d060960864801650304020105000420" +
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
        "02090083c8a6d3a5e0f2b1" +
        "0101ff",
    ),
  );
  const parsed = unwrap(parseTimestampRequest(bytes));
  assert.ok(parsed.kind === "request");
  assert.equal(parsed.request.nonce, 0x83c8a6d3a5e0f2b1n);
  assert.equal(parsed.request.certificates, true);
  assert.equal(parsed.request.digest[31], 31);
});

const imprint = messageImprint("sha256", new Uint8Array(32));
const sha1 = sequence(sequence(oid(OID.sha1)), octetString(new Uint8Array(20)));

const REFUSED = [
  ["version 2", sequence(integer(2), imprint), "badRequest"],
  ["SHA-1", sequence(integer(1), sha1), "badAlg"],
  [
    "a digest of another length",
    sequence(integer(1), messageImprint("sha256", new Uint8Array(31))),
    "badDataFormat",
  ],
  ["extensions", sequence(integer(1), imprint, der(0xa0, sequence())), "unacceptedExtension"],
] as const;

for (const [name, bytes, refusal] of REFUSED) {
  test(`refused by RFC 3161: ${name}`, () => {
    const parsed = unwrap(parseTimestampRequest(bytes));
    assert.equal(parsed.kind === "refused" && parsed.refusal, refusal);
  });
}

const NONCE_34 = der(TAG.INTEGER, Uint8Array.of(1, ...new Uint8Array(33)));

const MALFORMED = [
  ["nothing", new Uint8Array()],
  ["text", new TextEncoder().encode("GET / HTTP/1.1")],
  ["no imprint", sequence(integer(1))],
  ["bytes behind it", new Uint8Array([...sequence(integer(1), imprint), 0])],
  ["a negative nonce", sequence(integer(1), imprint, der(TAG.INTEGER, Uint8Array.of(0x80)))],
  ["an empty nonce", sequence(integer(1), imprint, der(TAG.INTEGER))],
  ["a nonce of 34 bytes", sequence(integer(1), imprint, NONCE_34)],
  ["fields out of order", sequence(integer(1), imprint, integer(5), oid("1.2.3"))],
  ["two nonces", sequence(integer(1), imprint, integer(5), integer(5))],
  ["an unknown field", sequence(integer(1), imprint, octetString(new Uint8Array(1)))],
  ["a certReq of two bytes", sequence(integer(1), imprint, der(TAG.BOOLEAN, Uint8Array.of(1, 1)))],
  ["a malformed policy", sequence(integer(1), imprint, der(TAG.OID, Uint8Array.of(0x80)))],
  [
    "an imprint without OID",
    sequence(integer(1), sequence(sequence(), octetString(new Uint8Array(32)))),
  ],
  ["more than 1024 bytes", sequence(integer(1), imprint, octetString(new Uint8Array(1024)))],
] as const;

for (const [name, bytes] of MALFORMED) {
  test(`malformed: ${name}`, () => {
    const result = parseTimestampRequest(bytes);
    assert.equal(result.ok ? "parsed" : result.error.code, "TIMESTAMP_REQUEST");
  });
}

test("no bytes make it throw", () => {
  const request = encodeTimestampRequest({
    hash: "sha256",
    digest: new Uint8Array(32),
    policy: "1.2.3",
    nonce: 5n,
    certificates: true,
  });
  fc.assert(
    fc.property(fc.nat(request.length - 1), fc.nat(255), (at, byte) => {
      const changed = request.slice();
      changed[at] = byte;
      parseTimestampRequest(changed);
    }),
    { numRuns: 1000 },
  );
});
