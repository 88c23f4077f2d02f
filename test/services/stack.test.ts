import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { base64, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { encodeTimestampRequest } from "../../src/formats/timestamp-request.ts";
import { type Stack, startStack } from "../../src/services/server.ts";

let folder = "";
let stack: Stack;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-stack-"));
  stack = unwrap(await startStack({ folder, port: 0 }));
});

after(async () => {
  await stack.close();
  await rm(folder, { recursive: true });
});

const token = async (): Promise<string> => {
  const response = await fetch(`${stack.urls.gitlab}/wheelseal/token`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.tokenSecret}` },
    body: JSON.stringify({ project_path: "acme/widgets", ref: "v1.0", ref_type: "tag" }),
  });
  assert.equal(response.status, 200);
  return ((await response.json()) as { token: string }).token;
};

const SUBJECT = "project_path:acme/widgets:ref_type:tag:ref:v1.0";

test("a token becomes a certificate over v2 and v1", async () => {
  const key = generateKey("ecdsa-p256");
  const proof = base64(sign(key, "sha256", utf8(SUBJECT)));
  const pem = formatPem("PUBLIC KEY", key.publicKey.spki);
  const v2 = await fetch(`${stack.urls.fulcio}/api/v2/signingCert`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      credentials: { oidcIdentityToken: await token() },
      publicKeyRequest: {
        publicKey: { algorithm: "ECDSA", content: pem },
        proofOfPossession: proof,
      },
    }),
  });
  const body = (await v2.json()) as any;
  assert.equal(v2.status, 200, JSON.stringify(body));
  const [leaf] = body.signedCertificateEmbeddedSct.chain.certificates as string[];
  const [der] = unwrap(parsePem(leaf ?? "", "CERTIFICATE"));
  const certificate = unwrap(parseCertificate(der!));
  assert.ok(certificate.extensions.has("1.3.6.1.4.1.11129.2.4.2"));
  const v1 = await fetch(`${stack.urls.fulcio}/api/v1/signingCert`, {
    method: "POST",
    headers: { authorization: `Bearer ${await token()}`, "content-type": "application/json" },
    body: JSON.stringify({
      publicKey: { content: base64(utf8(pem)), algorithm: "" },
      signedEmailAddress: proof,
      certificateSigningRequest: null,
    }),
  });
  assert.equal(v1.status, 201);
  assert.equal(unwrap(parsePem(await v1.text(), "CERTIFICATE")).length, 3);
});

test("the timestamp authority stamps", async () => {
  const response = await fetch(stack.urls.tsa, {
    method: "POST",
    headers: { "content-type": "application/timestamp-query" },
    body: new Uint8Array(
      encodeTimestampRequest({
        hash: "sha256",
        digest: sha256(utf8("x")),
        policy: undefined,
        nonce: 5n,
        certificates: true,
      }),
    ),
  });
  assert.equal(response.status, 201);
});
