import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey, type KeyAlgorithm, type PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { base64, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { fulcioClaims } from "../../src/formats/certificate-extensions.ts";
import { signatureAlgorithm } from "../../src/formats/certificate-writer.ts";
import { bitString, contextTag, der, integer, sequence } from "../../src/formats/der.ts";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { embeddedScts, precertificateTbs, sctSignedBytes } from "../../src/formats/sct.ts";
import { caV1 } from "../../src/services/ca-v1.ts";
import { caV2 } from "../../src/services/ca-v2.ts";
import { localCa, localIssuer, NOW } from "./local-ca.ts";

const gitlab = await localIssuer();
const { authority, logged, logKey } = localCa(gitlab);
const v1 = caV1(authority);
const v2 = caV2(authority);
const token = await gitlab.mintToken({ projectPath: "acme/widgets" });
const SUBJECT = "project_path:acme/widgets:ref_type:branch:ref:main";
const key = generateKey("ecdsa-p256");

const HASHES = {
  "ecdsa-p256": "sha256",
  "ecdsa-p384": "sha384",
  "ecdsa-p521": "sha512",
  ed25519: "sha512",
  "rsa-pkcs1v15": "sha256",
} as const;

const pemOf = ({ publicKey }: PrivateKey): string => formatPem("PUBLIC KEY", publicKey.spki);
const proofBy = (by: PrivateKey, message = SUBJECT): string =>
  base64(sign(by, HASHES[by.algorithm], utf8(message)));

const csrOf = (by: PrivateKey): string => {
  const body = sequence(integer(0), sequence(), by.publicKey.spki, der(contextTag(0)));
  const signature = sign(by, HASHES[by.algorithm], body);
  const request = sequence(body, signatureAlgorithm(by.publicKey), bitString(signature));
  return base64(utf8(formatPem("CERTIFICATE REQUEST", request)));
};

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  (path.startsWith("/api/v1") ? v1 : v2).request(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const v2Body = (
  content: unknown,
  proofOfPossession: unknown,
  oidcIdentityToken: unknown = token,
) => ({
  credentials: { oidcIdentityToken },
  publicKeyRequest: { publicKey: { algorithm: "ECDSA", content }, proofOfPossession },
});

const leafOfV2 = async (response: Response) => {
  const body = (await response.json()) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
  };
  const pems = body.signedCertificateEmbeddedSct.chain.certificates;
  assert.equal(pems.length, 3, "leaf, intermediate, root");
  const [leaf, intermediate, root] = pems.map((pem) =>
    unwrap(parseCertificate(unwrap(parsePem(pem, "CERTIFICATE"))[0]!)),
  );
  return { leaf: leaf!, intermediate: intermediate!, root: root! };
};

test("v2 certifies a key whose holder signs the token's sub", async () => {
  const response = await post("/api/v2/signingCert", v2Body(pemOf(key), proofBy(key)));
  assert.equal(response.status, 200);
  const { leaf, intermediate, root } = await leafOfV2(response);
  assert.deepEqual(leaf.publicKey.spki, key.publicKey.spki);
  assert.deepEqual(leaf.issuer, intermediate.subject);
  assert.deepEqual(intermediate.issuer, root.subject);
  assert.equal(leaf.notBefore, Math.floor(NOW / 1000) * 1000);
  assert.equal(leaf.notAfter - leaf.notBefore, 600_000);
  assert.equal(unwrap(fulcioClaims(leaf))["24"], SUBJECT);
  const { keyId } = intermediate.publicKey;
  assert.ok(await verifySignature(intermediate.publicKey, "sha256", leaf.signature, leaf.tbs));
  const [sct] = unwrap(embeddedScts(leaf));
  const tbs = unwrap(precertificateTbs(leaf));
  const signedBytes = sctSignedBytes(sct!, { kind: "precert", issuerKeyHash: keyId, tbs });
  assert.ok(await verifySignature(logKey.publicKey, "sha256", sct!.signature, signedBytes));
  assert.deepEqual(logged.at(-1)?.tbs, tbs);
});

test("v1 answers 201 with a PEM chain, leaf first", async () => {
  const body = {
    publicKey: { content: base64(utf8(pemOf(key))), algorithm: "" },
    signedEmailAddress: proofBy(key),
    certificateSigningRequest: null,
  };
  const headers = { authorization: `Bearer ${token}` };
  const response = await post("/api/v1/signingCert", body, headers);
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("content-type"), "application/pem-certificate-chain");
  assert.equal(response.headers.get("sct"), null, "the SCT is embedded");
  const [leaf, ...chain] = unwrap(parsePem(await response.text(), "CERTIFICATE"));
  assert.deepEqual(unwrap(parseCertificate(leaf!)).publicKey.spki, key.publicKey.spki);
  assert.deepEqual(chain.map(base64), authority.chain.map(base64));
});

test("both take a signing request in place of key and proof", async () => {
  const request = {
    credentials: { oidcIdentityToken: token },
    certificateSigningRequest: csrOf(key),
  };
  const response = await post("/api/v2/signingCert", request);
  assert.deepEqual((await leafOfV2(response)).leaf.publicKey.spki, key.publicKey.spki);
  const headers = { authorization: `Bearer ${token}` };
  const bare = { certificateSigningRequest: csrOf(key) };
  assert.equal((await post("/api/v1/signingCert", bare, headers)).status, 201);
  assert.equal((await post("/api/v2/signingCert", bare, headers)).status, 200);
});

test("every kind of key is certified, with its own proof", async () => {
  for (const algorithm of Object.keys(HASHES) as KeyAlgorithm[]) {
    const by = generateKey(algorithm);
    const response = await post("/api/v2/signingCert", v2Body(pemOf(by), proofBy(by)));
    assert.deepEqual((await leafOfV2(response)).leaf.publicKey.spki, by.publicKey.spki);
  }
});

test("trust bundle, root certificate and configuration are served", async () => {
  const root = await v1.request("/api/v1/rootCert");
  assert.deepEqual(
    unwrap(parsePem(await root.text(), "CERTIFICATE")).map(base64),
    authority.chain.map(base64),
  );
  const bundle = (await (await v2.request("/api/v2/trustBundle")).json()) as {
    chains: { certificates: string[] }[];
  };
  assert.equal(bundle.chains[0]?.certificates.length, 2);
  const configuration = (await (await v2.request("/api/v2/configuration")).json()) as {
    issuers: { issuerUrl: string; audience: string }[];
  };
  assert.equal(configuration.issuers[0]?.audience, "sigstore");
});

const other = generateKey("ecdsa-p256");
const secp256k1 =
  "3056301006072a8648ce3d020106052b8104000a0342000479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ["a proof by another key", v2Body(pemOf(key), proofBy(other)), /proof of possession/],
  ["a proof over something else", v2Body(pemOf(key), proofBy(key, "acme")), /proof of possession/],
  ["an empty proof", v2Body(pemOf(key), ""), /proof of possession/],
  ["a proof that is no base64", v2Body(pemOf(key), "!"), /base64/],
  ["a proof of 2 KiB", v2Body(pemOf(key), base64(new Uint8Array(2048))), /proof of possession/],
  ["a key that is no PEM", v2Body("key", proofBy(key)), /public key/],
  ["two keys", v2Body(pemOf(key) + pemOf(other), proofBy(key)), /public key/],
  [
    "a curve that is not supported",
    v2Body(formatPem("PUBLIC KEY", Buffer.from(secp256k1, "hex")), proofBy(key)),
    /public key/,
  ],
  [
    "another kind of PEM",
    v2Body(pemOf(key).replaceAll("PUBLIC KEY", "CERTIFICATE"), "AAAA"),
    /public key/,
  ],
  ["a token that is none", v2Body(pemOf(key), proofBy(key), "a.b.c"), /token/],
  ["a token that is a number", v2Body(pemOf(key), proofBy(key), 5), /oidcIdentityToken/],
  ["no token", { publicKeyRequest: {} }, /token/],
  ["no key", { credentials: { oidcIdentityToken: token } }, /publicKeyRequest/],
  [
    "a signing request that is none",
    { credentials: { oidcIdentityToken: token }, certificateSigningRequest: "AAAA" },
    /request/,
  ],
  ["no JSON", "{", /request/],
  ["JSON that is no object", "[]", /object/],
];

for (const [name, body, message] of REFUSED) {
  test(`v2 refuses ${name}`, async () => {
    const before = logged.length;
    const response = await post("/api/v2/signingCert", body);
    const answer = (await response.json()) as { code: number; message: string };
    assert.equal(response.status, 400);
    assert.equal(answer.code, 3);
    assert.match(answer.message, message);
    assert.ok(!answer.message.includes(token.slice(-40)));
    assert.equal(logged.length, before, "nothing was logged");
  });
}

test("a request above 64 KiB is refused before it is read", async () => {
  const response = await post("/api/v2/signingCert", v2Body("x".repeat(64 * 1024), ""));
  assert.equal(response.status, 413);
});

test("v1 without a token is refused", async () => {
  for (const headers of [{}, { authorization: "Basic eDp5" }, { authorization: "Bearer" }]) {
    const response = await post("/api/v1/signingCert", {}, headers as Record<string, string>);
    assert.equal(response.status, 400);
  }
});

test("without a promise of the log there is no certificate", async () => {
  const busy = caV2(localCa(gitlab, true).authority);
  const response = await busy.request("/api/v2/signingCert", {
    method: "POST",
    body: JSON.stringify(v2Body(pemOf(key), proofBy(key))),
  });
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { code: 14, message: "the log is busy", details: [] });
});
