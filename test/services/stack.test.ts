import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { base64, equal, utf8 } from "../../src/formats/bytes.ts";
import { type Certificate, parseCertificate } from "../../src/formats/certificate.ts";
import { parseClientTrustConfig } from "../../src/formats/client-trust-config.ts";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { embeddedScts, precertificateTbs, sctSignedBytes } from "../../src/formats/sct.ts";
import { parseTimestamp } from "../../src/formats/timestamp.ts";
import { encodeTimestampRequest } from "../../src/formats/timestamp-request.ts";
import { type Stack, startStack } from "../../src/services/server.ts";
import { findStack } from "../../src/services/stack-file.ts";

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

const SUBJECT = "project_path:acme/widgets:ref_type:tag:ref:v1.0";

const token = async (): Promise<string> => {
  const response = await fetch(`${stack.urls.gitlab}/wheelseal/token`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.tokenSecret}` },
    body: JSON.stringify({ project_path: "acme/widgets", ref: "v1.0", ref_type: "tag" }),
  });
  assert.equal(response.status, 200);
  return ((await response.json()) as { token: string }).token;
};

const key = generateKey("ecdsa-p256");

const certify = async (): Promise<Certificate[]> => {
  const content = formatPem("PUBLIC KEY", key.publicKey.spki);
  const proofOfPossession = base64(sign(key, "sha256", utf8(SUBJECT)));
  const response = await fetch(`${stack.urls.fulcio}/api/v2/signingCert`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      credentials: { oidcIdentityToken: await token() },
      publicKeyRequest: { publicKey: { algorithm: "ECDSA", content }, proofOfPossession },
    }),
  });
  assert.equal(response.status, 200);
  const { signedCertificateEmbeddedSct: signed } = (await response.json()) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
  };
  const ders = unwrap(parsePem(signed.chain.certificates.join(""), "CERTIFICATE"));
  return ders.map((der) => unwrap(parseCertificate(der)));
};

const trust = async () => unwrap(parseClientTrustConfig(await readFile(stack.trustConfig)));

test("a token becomes a certificate that the trust config's keys vouch for", async () => {
  const [leaf, intermediate] = await certify();
  const { trustedRoot } = await trust();
  const [authority] = trustedRoot.certificateAuthorities;
  assert.ok(equal(authority!.chain[0]!.der, intermediate!.der));
  const [sct] = unwrap(embeddedScts(leaf!));
  const log = trustedRoot.ctlogs.find(({ logId }) => equal(logId, sct!.logId));
  const issuerKeyHash = sha256(intermediate!.publicKey.spki);
  const entry = {
    kind: "precert",
    issuerKeyHash,
    tbs: unwrap(precertificateTbs(leaf!)),
  } as const;
  const signed = sctSignedBytes(sct!, entry);
  assert.ok(await verifySignature(log!.publicKey, "sha256", sct!.signature, signed));
  const flipped = signed.slice();
  flipped[20]! ^= 1;
  assert.ok(!(await verifySignature(log!.publicKey, "sha256", sct!.signature, flipped)));
});

test("the certificate is in the CT log when its holder gets it", async () => {
  const [leaf, intermediate] = await certify();
  const [sct] = unwrap(embeddedScts(leaf!));
  const tbs = unwrap(precertificateTbs(leaf!));
  const issuerKeyHash = sha256(intermediate!.publicKey.spki);
  const body = sctSignedBytes(sct!, { kind: "precert", issuerKeyHash, tbs });
  const hash = base64(sha256(Uint8Array.of(0, ...body)));
  const sth = (await (await fetch(`${stack.urls.ctlog}/ct/v1/get-sth`)).json()) as {
    tree_size: number;
  };
  const query = `hash=${encodeURIComponent(hash)}&tree_size=${sth.tree_size}`;
  const proof = await fetch(`${stack.urls.ctlog}/ct/v1/get-proof-by-hash?${query}`);
  assert.equal(proof.status, 200);
  assert.equal(((await proof.json()) as { leaf_index: number }).leaf_index, sth.tree_size - 1);
});

test("the timestamp authority of the trust config stamps", async () => {
  const digest = sha256(utf8("signature"));
  const query = encodeTimestampRequest({
    hash: "sha256",
    digest,
    policy: undefined,
    nonce: 5n,
    certificates: true,
  });
  const { signingConfig, trustedRoot } = await trust();
  const response = await fetch(signingConfig.tsaUrls[0]!.url, {
    method: "POST",
    headers: { "content-type": "application/timestamp-query" },
    body: new Uint8Array(query),
  });
  assert.equal(response.status, 201);
  const stamped = unwrap(parseTimestamp(new Uint8Array(await response.arrayBuffer())));
  const leaf = trustedRoot.timestampAuthorities[0]!.chain[0]!;
  assert.ok(
    await verifySignature(leaf.publicKey, "sha256", stamped.signature, stamped.signedAttributes),
  );
});

test("Rekor and the registry answer at their URLs", async () => {
  const rekor = await fetch(`${stack.urls.rekor}/api/v1/log`);
  assert.equal(rekor.status, 200);
  const simple = `${stack.urls.gitlab}/api/v4/projects/1/packages/pypi/simple/nothing/`;
  assert.equal((await fetch(simple)).status, 401);
  const authorization = `Basic ${btoa(`gitlab-ci-token:${stack.jobToken}`)}`;
  assert.equal((await fetch(simple, { headers: { authorization } })).status, 404);
});

test("the PEM files for cosign are those of the trust config", async () => {
  const { trustedRoot } = await trust();
  const read = async (name: string) => readFile(join(folder, "trust", name), "utf8");
  const spki = async (name: string) => unwrap(parsePem(await read(name), "PUBLIC KEY"))[0]!;
  assert.ok(equal(await spki("rekor.pub"), trustedRoot.tlogs[0]!.publicKey.spki));
  assert.ok(equal(await spki("ctfe.pub"), trustedRoot.ctlogs[0]!.publicKey.spki));
  const chain = unwrap(parsePem(await read("fulcio-chain.pem"), "CERTIFICATE"));
  assert.deepEqual(
    chain.map(base64),
    trustedRoot.certificateAuthorities[0]!.chain.map(({ der }) => base64(der)),
  );
});

test("no secret is in what the stack says of itself", async () => {
  const files = ["stack.json", "trust/client-trust-config.json", "trust/trusted_root.json"];
  for (const file of files) {
    const text = await readFile(join(folder, file), "utf8");
    for (const secret of [stack.tokenSecret, stack.jobToken, "PRIVATE"]) {
      assert.ok(!text.includes(secret), file);
    }
  }
  assert.equal((await stat(join(folder, "token-secret"))).mode & 0o777, 0o600);
  assert.equal((await findStack(folder))?.urls.gitlab, stack.urls.gitlab);
});

test("a second start on the same folder is refused", async () => {
  const second = await startStack({ folder });
  assert.equal(second.ok ? "started" : second.error.code, "STATE_LOCKED");
});

test("a port in use is refused where it was asked for, and replaced where it was not", async () => {
  const other = await mkdtemp(join(tmpdir(), "wheelseal-stack-"));
  const port = Number(new URL(stack.urls.gitlab).port);
  const asked = await startStack({ folder: other, port });
  assert.equal(asked.ok ? "started" : asked.error.code, "PORT_UNAVAILABLE");
  // What failed has let go of the folder.
  const started = unwrap(await startStack({ folder: other }));
  await started.close();
  await rm(other, { recursive: true });
});

test("after a restart port, keys, secrets and logs are the same", async () => {
  const before = { urls: stack.urls, trust: await readFile(stack.trustConfig) };
  const secrets = [stack.tokenSecret, stack.jobToken];
  const old = await token();
  const tree = await (await fetch(`${stack.urls.rekor}/api/v1/log`)).json();
  await stack.close();
  assert.equal(await findStack(folder), undefined, "a stopped stack is not found");
  await assert.rejects(stat(join(folder, "stack.json")), "it takes its file along");
  await assert.rejects(fetch(stack.urls.gitlab), "nothing listens");
  stack = unwrap(await startStack({ folder }));
  assert.deepEqual(stack.urls, before.urls);
  assert.deepEqual([stack.tokenSecret, stack.jobToken], secrets);
  assert.deepEqual(await readFile(stack.trustConfig), before.trust);
  assert.deepEqual(await (await fetch(`${stack.urls.rekor}/api/v1/log`)).json(), tree);
  const authorization = `Bearer ${old}`;
  const answer = await fetch(`${stack.urls.fulcio}/api/v1/signingCert`, {
    method: "POST",
    headers: { authorization },
    body: JSON.stringify({
      publicKey: { content: base64(utf8(formatPem("PUBLIC KEY", key.publicKey.spki))) },
      signedEmailAddress: base64(sign(key, "sha256", utf8(SUBJECT))),
    }),
  });
  assert.equal(answer.status, 201, "a token from before the restart is still good");
});
