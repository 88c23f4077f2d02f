import { base64, fromUtf8, utf8 } from "../formats/bytes.ts";
import { type Certificate, parseCertificate } from "../formats/certificate.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { formatPem, parsePem } from "../formats/pem.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { exchange, type HttpRequest, type HttpResponse, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";

export type CertificateRequest = {
  /** The id_token; goes into the request and nowhere else. */
  readonly token: string;
  /** DER SubjectPublicKeyInfo of an ECDSA key. */
  readonly spki: Uint8Array;
  /** DER signature of that key over the token's principal name: proof of possession. */
  readonly proof: Uint8Array;
};

export type CertifiedChain = {
  readonly leaf: Certificate;
  /** The leaf's issuer first; the root may be among them. Never trusted for being here. */
  readonly chain: readonly Certificate[];
};

/** A certificate authority that gives a short-lived certificate for an id_token. */
export type Fulcio = {
  /**
   * Fails with FULCIO_REFUSED for a 4xx, FULCIO_RESPONSE for an answer that cannot be used, and
   * what `exchange` fails with. Whether the certificate is for this key is the caller's check.
   */
  certify(request: CertificateRequest): Promise<Result<CertifiedChain>>;
};

const MAX_ANSWER = 256 * 1024;
const MAX_CERTIFICATES = 8;

/** Fulcio at a base URL. Asks by the v2 API, and by v1 where there is no v2 (404, 405). */
export const fulcioAt = (url: string, outside: Outside): Fulcio => {
  const base = url.replace(/\/+$/, "");
  return {
    certify: async (request) => {
      const answer = await exchange(outside, askV2(base, request));
      if (!answer.ok) return answer;
      const old = answer.value.status === 404 || answer.value.status === 405;
      if (!old) return chainOf(accepted(answer.value), pemsOfV2);
      const older = await exchange(outside, askV1(base, request));
      return older.ok ? chainOf(accepted(older.value), pemsOfV1) : older;
    },
  };
};

const ask = (url: string, headers: Record<string, string>, body: unknown): HttpRequest => ({
  method: "POST",
  url,
  headers: { "content-type": "application/json", ...headers },
  body: () => JSON.stringify(body),
  maxBytes: MAX_ANSWER,
  service: "certificate authority",
});

const askV2 = (base: string, { token, spki, proof }: CertificateRequest): HttpRequest =>
  ask(
    `${base}/api/v2/signingCert`,
    { accept: "application/json" },
    {
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: "ECDSA", content: formatPem("PUBLIC KEY", spki) },
        proofOfPossession: base64(proof),
      },
    },
  );

const askV1 = (base: string, { token, spki, proof }: CertificateRequest): HttpRequest =>
  ask(
    `${base}/api/v1/signingCert`,
    { accept: "application/pem-certificate-chain", authorization: `Bearer ${token}` },
    {
      publicKey: { algorithm: "ecdsa", content: base64(utf8(formatPem("PUBLIC KEY", spki))) },
      signedEmailAddress: base64(proof),
    },
  );

const accepted = (response: HttpResponse): Result<HttpResponse> => {
  if (response.status === 200 || response.status === 201) return ok(response);
  const where = `the certificate authority at ${shownUrl(response.url)}`;
  return fail("FULCIO_REFUSED", `${where}: ${refusalOf(response)}`);
};

const DETACHED =
  "the certificate authority gives its SCT apart from the certificate, where no bundle can carry it";

const pemsOfV2 = (response: HttpResponse): Result<string> => {
  const parsed = parseJson(response.body, MAX_ANSWER, "answer");
  if (!parsed.ok) return parsed;
  return readJson(parsed.value, "FULCIO_RESPONSE", "answer", (json: Json) => {
    if (json.optional("signedCertificateDetachedSct") !== undefined) return json.refuse(DETACHED);
    const chain = json.field("signedCertificateEmbeddedSct").field("chain");
    const pems = chain.field("certificates").items(MAX_CERTIFICATES);
    return pems.map((pem) => pem.string()).join("\n");
  });
};

const pemsOfV1 = (response: HttpResponse): Result<string> =>
  response.headers.has("sct") ? fail("FULCIO_RESPONSE", DETACHED) : fromUtf8(response.body);

const chainOf = (
  answer: Result<HttpResponse>,
  pemsOf: (response: HttpResponse) => Result<string>,
): Result<CertifiedChain> => {
  if (!answer.ok) return answer;
  const pems = pemsOf(answer.value);
  const ders = pems.ok ? parsePem(pems.value, "CERTIFICATE") : pems;
  const certificates = ders.ok ? all(ders.value.map(parseCertificate)) : ders;
  if (!certificates.ok) return fail("FULCIO_RESPONSE", certificates.error.message);
  const [leaf, ...chain] = certificates.value;
  if (leaf === undefined) return fail("FULCIO_RESPONSE", "the answer holds no certificate");
  if (chain.length >= MAX_CERTIFICATES) {
    return fail("FULCIO_RESPONSE", `the answer holds ${chain.length + 1} certificates`);
  }
  return ok({ leaf, chain });
};
