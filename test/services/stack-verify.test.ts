import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { encodeTimestampRequest } from "../../src/formats/timestamp-request.ts";
import { type Stack, startStack } from "../../src/services/server.ts";

// What the stack issues is judged here by others: OpenSSL and sigstore-js.

let folder = "";
let stack: Stack;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-verify-"));
  stack = unwrap(await startStack({ folder, port: 0 }));
});

after(async () => {
  await stack.close();
  await rm(folder, { recursive: true });
});

const postJson = async (url: string, body: unknown): Promise<unknown> => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${url}: ${response.status}`);
  return response.json();
};

const key = generateKey("ecdsa-p256");
const PROJECT = "acme/widgets";

const certify = async (): Promise<string[]> => {
  const token = await stack.mintToken({ projectPath: PROJECT });
  const proof = sign(key, "sha256", utf8(`project_path:${PROJECT}:ref_type:branch:ref:main`));
  const answer = (await postJson(`${stack.urls.fulcio}/api/v2/signingCert`, {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { algorithm: "ECDSA", content: formatPem("PUBLIC KEY", key.publicKey.spki) },
      proofOfPossession: base64(proof),
    },
  })) as { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } };
  return answer.signedCertificateEmbeddedSct.chain.certificates;
};

const stamp = async (signature: Uint8Array): Promise<Uint8Array> => {
  const query = encodeTimestampRequest({
    hash: "sha256",
    digest: sha256(signature),
    policy: undefined,
    nonce: 1n,
    certificates: true,
  });
  const response = await fetch(stack.urls.tsa, {
    method: "POST",
    headers: { "content-type": "application/timestamp-query" },
    body: new Uint8Array(query),
  });
  return new Uint8Array(await response.arrayBuffer());
};

type RekorEntry = {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification: {
    signedEntryTimestamp: string;
    inclusionProof: {
      checkpoint: string;
      hashes: string[];
      logIndex: number;
      rootHash: string;
      treeSize: number;
    };
  };
};

const unhex = (text: string): string => Buffer.from(text, "hex").toString("base64");

const log = async (artifact: Uint8Array, signature: Uint8Array, leaf: string) => {
  const answer = await postJson(`${stack.urls.rekor}/api/v1/log/entries`, {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: hex(sha256(artifact)) } },
      signature: {
        content: base64(signature),
        publicKey: { content: base64(utf8(leaf)) },
      },
    },
  });
  const [entry] = Object.values(answer as Record<string, RekorEntry>);
  const { inclusionProof: proof, signedEntryTimestamp } = entry!.verification;
  return {
    logIndex: String(entry!.logIndex),
    logId: { keyId: unhex(entry!.logID) },
    kindVersion: { kind: "hashedrekord", version: "0.0.1" },
    integratedTime: String(entry!.integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: unhex(proof.rootHash),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map(unhex),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry!.body,
  };
};

const bundleOf = async (artifact: Uint8Array) => {
  const [leaf] = await certify();
  const signature = sign(key, "sha256", artifact);
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: base64(unwrap(parsePem(leaf!, "CERTIFICATE"))[0]!) },
      tlogEntries: [await log(artifact, signature, leaf!)],
      timestampVerificationData: {
        rfc3161Timestamps: [{ signedTimestamp: base64(await stamp(signature)) }],
      },
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: base64(sha256(artifact)) },
      signature: base64(signature),
    },
  };
};

const verifier = async (thresholds = {}) => {
  const root = JSON.parse(await readFile(join(folder, "trust", "trusted_root.json"), "utf8"));
  return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), {
    ctlogThreshold: 1,
    tlogThreshold: 1,
    timestampThreshold: 2,
    ...thresholds,
  });
};

test("sigstore-js verifies what the stack certifies, logs and stamps", async () => {
  const other = await verifier();
  for (const text of ["one", "two", "three"]) {
    const artifact = utf8(text);
    const bundle = bundleFromJSON(await bundleOf(artifact));
    const san = `https://${new URL(stack.urls.gitlab).host}/${PROJECT}//.gitlab-ci.yml@refs/heads/main`;
    const policy = { subjectAlternativeName: san, extensions: { issuer: stack.urls.gitlab } };
    const signer = other.verify(toSignedEntity(bundle, Buffer.from(artifact)), policy);
    assert.equal(signer.identity?.subjectAlternativeName, san);
    assert.deepEqual(
      signer.key.export({ format: "der", type: "spki" }),
      Buffer.from(key.publicKey.spki),
    );
  }
});

test("sigstore-js refuses it when an SCT, SET or timestamp byte differs", async () => {
  const artifact = utf8("four");
  const good = await bundleOf(artifact);
  const other = await verifier();
  const flip = (text: string, from: number): string => {
    const bytes = Buffer.from(text, "base64");
    bytes[bytes.length - from]! ^= 1;
    return bytes.toString("base64");
  };
  const spoilt = [structuredClone(good), structuredClone(good), structuredClone(good)];
  const [certificate, promise, time] = spoilt.map((bundle) => bundle.verificationMaterial);
  certificate!.certificate.rawBytes = flip(certificate!.certificate.rawBytes, 100);
  const set = promise!.tlogEntries[0]!.inclusionPromise;
  set.signedEntryTimestamp = flip(set.signedEntryTimestamp, 1);
  const stamped = time!.timestampVerificationData.rfc3161Timestamps[0]!;
  stamped.signedTimestamp = flip(stamped.signedTimestamp, 1);
  for (const bundle of spoilt) {
    const entity = toSignedEntity(bundleFromJSON(bundle), Buffer.from(artifact));
    assert.throws(() => other.verify(entity));
  }
});

const noOpenssl = spawnSync("openssl", ["version"]).status !== 0 && "openssl is not installed";

test("OpenSSL builds the chain, strictly, and reads the SCT", { skip: noOpenssl }, async () => {
  const [leaf, intermediate, root] = await certify();
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const paths = {
    leaf: await file("leaf.pem", leaf!),
    intermediate: await file("intermediate.pem", intermediate!),
    root: await file("root.pem", root!),
  };
  const args = ["-x509_strict", "-CAfile", paths.root, "-untrusted", paths.intermediate];
  const verified = spawnSync("openssl", ["verify", ...args, paths.leaf], { encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stderr);
  const text = execFileSync("openssl", ["x509", "-in", paths.leaf, "-noout", "-text"], {
    encoding: "utf8",
  });
  for (const expected of [
    /Subject: *\n/,
    /Key Usage: critical\s+Digital Signature\n/,
    /Extended Key Usage: *\n\s+Code Signing\n/,
    /Alternative Name: critical\s+URI:https:\/\/127\.0\.0\.1:\d+\/acme\/widgets\/\//,
    /CT Precertificate SCTs/,
    /Signature : ecdsa-with-SHA256/,
  ]) {
    assert.match(text, expected);
  }
});
