import { Hono } from "hono";
import type { HashName } from "../crypto/hash.ts";
import type { RandomBytes } from "../crypto/random.ts";
import { fromBigEndian } from "../formats/bytes.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import type { Result } from "../formats/result.ts";
import {
  DIGEST_BYTES,
  MAX_TIMESTAMP_REQUEST,
  type ParsedRequest,
  parseTimestampRequest,
} from "../formats/timestamp-request.ts";
import {
  grantTimestamp,
  rejectTimestamp,
  type TimestampSigner,
} from "../formats/timestamp-writer.ts";
import { pemChain } from "./ca-v1.ts";
import { readBody } from "./request-body.ts";

export type TimestampAuthorityOptions = {
  readonly signer: TimestampSigner;
  /** DER, the signer's certificate first, the root last. */
  readonly chain: readonly Uint8Array[];
  readonly now: () => number;
  readonly random: RandomBytes;
};

/** The policy that Sigstore's timestamp authority states. */
const TIMESTAMP_POLICY = "1.3.6.1.4.1.57264.2";

const QUERY = "application/timestamp-query";
const REPLY = { "Content-Type": "application/timestamp-reply" };

/**
 * An RFC 3161 timestamp authority: DER over HTTP (§3.4), and the JSON form of Sigstore's. What is
 * a request but cannot be served gets a DER rejection; what is none gets status 400.
 */
export const timestampAuthority = (options: TimestampAuthorityOptions): Hono => {
  const app = new Hono();
  app.post("/api/v1/timestamp", async (c) => {
    const read = readerFor(c.req.raw.headers.get("content-type"));
    if (read === undefined) return refusal(415, `the content type is neither ${QUERY} nor JSON`);
    const body = await readBody(c.req.raw, MAX_TIMESTAMP_REQUEST);
    if (!body.ok) return refusal(413, body.error.message);
    const parsed = read(body.value);
    if (!parsed.ok) return refusal(400, parsed.error.message);
    return c.body(new Uint8Array(answer(options, parsed.value)), 201, REPLY);
  });
  app.get("/api/v1/timestamp/certchain", (c) =>
    c.body(pemChain(options.chain), 200, {
      "Content-Type": "application/pem-certificate-chain",
    }),
  );
  return app;
};

const refusal = (status: number, message: string): Response =>
  Response.json({ code: status, message }, { status });

type Reader = (body: Uint8Array) => Result<ParsedRequest>;

const readerFor = (contentType: string | null): Reader | undefined => {
  switch (contentType?.split(";")[0]?.trim().toLowerCase()) {
    case QUERY:
      return parseTimestampRequest;
    case "application/json":
      return parseJsonRequest;
    default:
      return undefined;
  }
};

const answer = (options: TimestampAuthorityOptions, parsed: ParsedRequest): Uint8Array => {
  if (parsed.kind === "refused") return rejectTimestamp(parsed.refusal, parsed.reason);
  const { request } = parsed;
  if (request.policy !== undefined && request.policy !== TIMESTAMP_POLICY) {
    return rejectTimestamp("unacceptedPolicy", `the only policy is ${TIMESTAMP_POLICY}`);
  }
  return grantTimestamp(options.signer, request, {
    policy: TIMESTAMP_POLICY,
    serialNumber: fromBigEndian(options.random(16)),
    genTime: options.now(),
  });
};

const HASH_NAMES: Readonly<Record<string, HashName>> = {
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
};

/** Sigstore's JSON: `{artifactHash, certificates, hashAlgorithm, nonce, tsaPolicyOID}`. */
const parseJsonRequest: Reader = (body) => {
  const json = parseJson(body, MAX_TIMESTAMP_REQUEST, "request");
  if (!json.ok) return json;
  return readJson(json.value, "TIMESTAMP_REQUEST", "request", readJsonRequest);
};

const readJsonRequest = (json: Json): ParsedRequest => {
  const name = json.optional("hashAlgorithm")?.string() ?? "sha256";
  const hash = HASH_NAMES[name.toLowerCase().replace("-", "")];
  if (hash === undefined) {
    return { kind: "refused", refusal: "badAlg", reason: "only SHA-256, -384 and -512 are served" };
  }
  const digest = json.field("artifactHash");
  if (digest.base64().length !== DIGEST_BYTES[hash]) digest.refuse(`is not a ${name} digest`);
  const nonce = json.optional("nonce");
  const value = nonce?.int64();
  if (value !== undefined && value < 0n) nonce?.refuse("is negative");
  const policy = json.optional("tsaPolicyOID")?.string();
  return {
    kind: "request",
    request: {
      hash,
      digest: digest.base64(),
      policy: policy === "" ? undefined : policy,
      nonce: value,
      certificates: json.optional("certificates")?.boolean() ?? false,
    },
  };
};
