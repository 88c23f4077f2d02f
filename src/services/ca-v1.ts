import { Hono } from "hono";
import { fromUtf8 } from "../formats/bytes.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { formatPem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { CertificateAuthority } from "./ca.ts";
import { caFailure, MAX_CA_REQUEST } from "./ca-failure.ts";
import type { KeyProof } from "./ca-key.ts";
import { bearerToken, readBody } from "./request-body.ts";

/** DER certificates as consecutive PEM blocks. */
export const pemChain = (chain: readonly Uint8Array[]): string =>
  chain.map((der) => formatPem("CERTIFICATE", der)).join("");

const PEM_CHAIN = { "Content-Type": "application/pem-certificate-chain" };

/** Fulcio's v1 API, which cosign 2 speaks. */
export const caV1 = (ca: CertificateAuthority): Hono => {
  const app = new Hono();
  app.post("/api/v1/signingCert", async (c) => {
    const token = bearerToken(c.req.raw);
    if (token === undefined) return caFailure(NO_TOKEN.error);
    const body = await readBody(c.req.raw, MAX_CA_REQUEST);
    const proof = body.ok ? readProof(body.value) : body;
    const chain = proof.ok ? await ca.certify(token, proof.value) : proof;
    // cosign 2 takes no other status than 201 for success.
    return chain.ok ? c.body(pemChain(chain.value), 201, PEM_CHAIN) : caFailure(chain.error);
  });
  app.get("/api/v1/rootCert", (c) => c.body(pemChain(ca.chain), 200, PEM_CHAIN));
  return app;
};

const NO_TOKEN = fail("TOKEN_FORMAT", "the request has no token in its Authorization header");

const readProof = (body: Uint8Array): Result<KeyProof> => {
  const json = parseJson(body, MAX_CA_REQUEST, "request");
  return json.ok ? readJson(json.value, "FORMAT_JSON", "request", proofOf) : json;
};

const proofOf = (json: Json): KeyProof => {
  const csr = json.optional("certificateSigningRequest");
  if (csr !== undefined && csr.value !== "") {
    return { kind: "csr", request: csr.take(fromUtf8(csr.base64())) };
  }
  const content = json.field("publicKey").field("content");
  return {
    kind: "signature",
    publicKey: content.take(pemOrDer(content.base64())),
    signature: json.field("signedEmailAddress").base64(),
  };
};

/** Old clients send DER where newer ones send PEM. */
const pemOrDer = (bytes: Uint8Array): Result<string> =>
  bytes[0] === 0x30 ? ok(formatPem("PUBLIC KEY", bytes)) : fromUtf8(bytes);
