import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { systemRandom } from "../../src/crypto/random.ts";
import { base64, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import {
  rootCertificate,
  timestampingCertificate,
} from "../../src/formats/certificate-profiles.ts";
import { distinguishedName, serialFrom } from "../../src/formats/certificate-writer.ts";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTimestamp } from "../../src/formats/timestamp.ts";
import { encodeTimestampRequest } from "../../src/formats/timestamp-request.ts";
import { timestampAuthority } from "../../src/services/tsa.ts";

const now = Date.now();
const root = { name: distinguishedName("test", "tsa-root"), key: generateKey("ecdsa-p256") };
const key = generateKey("ecdsa-p256");
const validity = { notBefore: now - 60_000, notAfter: now + 3600_000 };
const serial = () => serialFrom(systemRandom(20));
const subject = { name: distinguishedName("test", "tsa"), spki: key.publicKey.spki };
const leaf = timestampingCertificate(root, subject, serial(), validity);
const certificate = unwrap(parseCertificate(leaf));
const chain = [leaf, rootCertificate(root, serial(), validity)];
const app = timestampAuthority({
  signer: { key, certificate },
  chain,
  now: () => now,
  random: systemRandom,
});

const QUERY = "application/timestamp-query";
const post = (body: Uint8Array | string, type = QUERY) =>
  app.request("/api/v1/timestamp", {
    method: "POST",
    headers: { "content-type": type },
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

const folder = mkdtempSync(join(tmpdir(), "wheelseal-tsa-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, content?: Uint8Array | string): string => {
  const path = join(folder, name);
  if (content !== undefined) writeFileSync(path, content);
  return path;
};
const noOpenssl = spawnSync("openssl", ["version"]).status !== 0 && "openssl is not installed";
const openssl = (...args: string[]) => spawnSync("openssl", args, { encoding: "utf8" });

for (const [hash, cert] of [
  ["sha256", true],
  ["sha384", true],
  ["sha512", true],
  ["sha256", false],
] as const) {
  test(`OpenSSL asks and verifies, ${hash}${cert ? "" : " without certificates"}`, {
    skip: noOpenssl,
  }, async () => {
    const signed = file("signed", "what was signed");
    const query = file("query.tsq");
    execFileSync(
      "openssl",
      ["ts", "-query", "-data", signed, `-${hash}`, ...(cert ? ["-cert"] : []), "-out", query],
      { stdio: "ignore" },
    );
    const response = await post(readFileSync(query));
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("content-type"), "application/timestamp-reply");
    const reply = file("reply.tsr", await bytesOf(response));
    const rootPem = file("root.pem", formatPem("CERTIFICATE", chain[1]!));
    const leafPem = file("leaf.pem", formatPem("CERTIFICATE", leaf));
    const verify = ["ts", "-verify", "-in", reply, "-CAfile", rootPem, "-untrusted", leafPem];
    const good = openssl(...verify, "-queryfile", query);
    assert.equal(good.status, 0, good.stderr);
    const other = openssl(...verify, "-data", file("other", "something else"));
    assert.notEqual(other.status, 0, "OpenSSL tells other data apart");
  });
}

test("Sigstore's JSON form is served", async () => {
  const digest = sha256(utf8("signature"));
  const body = {
    artifactHash: base64(digest),
    certificates: true,
    hashAlgorithm: "sha256",
    nonce: 12345,
  };
  const response = await post(JSON.stringify(body), "application/json");
  assert.equal(response.status, 201);
  const token = unwrap(parseTimestamp(await bytesOf(response)));
  assert.deepEqual([...token.imprint.digest], [...digest]);
  assert.equal(token.nonce, 12345n);
  assert.deepEqual(token.certificates.map(base64), [base64(leaf)]);
  assert.equal(token.time, Math.floor(now / 1000) * 1000);
});

test("no two timestamps have the same serial number", async () => {
  const query = encodeTimestampRequest({
    hash: "sha256",
    digest: new Uint8Array(32),
    policy: undefined,
    nonce: undefined,
    certificates: false,
  });
  const serials = await Promise.all(
    Array.from(
      { length: 20 },
      async () => unwrap(parseTimestamp(await bytesOf(await post(query)))).serial,
    ),
  );
  assert.equal(new Set(serials).size, 20);
});

test("the chain is served, leaf first", async () => {
  const response = await app.request("/api/v1/timestamp/certchain");
  assert.deepEqual(
    unwrap(parsePem(await response.text(), "CERTIFICATE")).map(base64),
    chain.map(base64),
  );
});

test("another policy is rejected in RFC 3161's way", async () => {
  const query = encodeTimestampRequest({
    hash: "sha256",
    digest: new Uint8Array(32),
    policy: "1.2.3",
    nonce: undefined,
    certificates: false,
  });
  const response = await post(query);
  assert.equal(response.status, 201);
  const parsed = parseTimestamp(await bytesOf(response));
  assert.equal(parsed.ok ? "granted" : parsed.error.code, "TIME_STATUS");
});

const REFUSED: readonly (readonly [string, Uint8Array | string, string, number])[] = [
  ["an empty body", "", QUERY, 400],
  ["text", "hello", QUERY, 400],
  ["2 KiB", new Uint8Array(2048), QUERY, 413],
  ["a web form", "a=b", "application/x-www-form-urlencoded", 415],
  ["JSON that is none", "{", "application/json", 400],
  ["JSON without digest", "{}", "application/json", 400],
  [
    "JSON with a short digest",
    '{"artifactHash":"AAAA","hashAlgorithm":"sha256"}',
    "application/json",
    400,
  ],
  [
    "JSON with a negative nonce",
    `{"artifactHash":"${base64(new Uint8Array(32))}","nonce":-1}`,
    "application/json",
    400,
  ],
  [
    "JSON with a policy that is no OID",
    `{"artifactHash":"${base64(new Uint8Array(32))}","tsaPolicyOID":"x"}`,
    "application/json",
    201,
  ],
];

for (const [name, body, type, status] of REFUSED) {
  test(`${name} gets ${status}`, async () => assert.equal((await post(body, type)).status, status));
}
