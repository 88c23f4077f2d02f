import { Hono } from "hono";
import { fromUtf8 } from "../formats/bytes.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { formatPem } from "../formats/pem.ts";
import type { Result } from "../formats/result.ts";
import type { CertificateAuthority } from "./ca.ts";
import { caFailure, MAX_CA_REQUEST } from "./ca-failure.ts";
import type { KeyProof } from "./ca-key.ts";
import { bearerToken, readBody } from "./request-body.ts";

type SigningRequest = { readonly token: string; readonly proof: KeyProof };

/** Fulcio's v2 API (fulcio.proto). */
export const caV2 = (ca: CertificateAuthority): Hono => {
  const app = new Hono();
  app.post("/api/v2/signingCert", async (c) => {
    const body = await readBody(c.req.raw, MAX_CA_REQUEST);
    const request = body.ok ? readRequest(body.value, bearerToken(c.req.raw)) : body;
    const chain = request.ok ? await ca.certify(request.value.token, request.value.proof) : request;
    if (!chain.ok) return caFailure(chain.error);
    return c.json({ signedCertificateEmbeddedSct: { chain: chainJson(chain.value) } });
  });
  app.get("/api/v2/trustBundle", (c) => c.json({ chains: [chainJson(ca.chain)] }));
  app.get("/api/v2/configuration", (c) => c.json({ issuers: issuersJson(ca) }));
  return app;
};

const chainJson = (chain: readonly Uint8Array[]) => ({
  certificates: chain.map((der) => formatPem("CERTIFICATE", der)),
});

const issuersJson = (ca: CertificateAuthority) =>
  ca.trustedIssuers.map(({ url, audience }) => ({
    issuerUrl: url,
    audience,
    challengeClaim: "sub",
    spiffeTrustDomain: "",
    issuerType: "ci-provider",
    subjectDomain: "",
  }));

const readRequest = (body: Uint8Array, bearer: string | undefined): Result<SigningRequest> => {
  const json = parseJson(body, MAX_CA_REQUEST, "request");
  if (!json.ok) return json;
  return readJson(json.value, "FORMAT_JSON", "request", (request) => ({
    token: tokenOf(request) ?? bearer ?? request.refuse("has no token"),
    proof: proofOf(request),
  }));
};

const tokenOf = (request: Json): string | undefined =>
  request.optional("credentials")?.optional("oidcIdentityToken")?.string();

const proofOf = (request: Json): KeyProof => {
  const csr = request.optional("certificateSigningRequest");
  if (csr !== undefined) return { kind: "csr", request: csr.take(fromUtf8(csr.base64())) };
  const key = request.field("publicKeyRequest");
  return {
    kind: "signature",
    publicKey: key.field("publicKey").field("content").string(),
    signature: key.field("proofOfPossession").base64(),
  };
};
