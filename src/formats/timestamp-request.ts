import type { HashName } from "../crypto/hash.ts";
import { fromBigEndian } from "./bytes.ts";
import {
  boolean,
  children,
  type DerNode,
  integer,
  octetString,
  oid,
  readDer,
  readOid,
  sequence,
  TAG,
} from "./der.ts";
import { OID } from "./oids.ts";
import { fail, ok, type Result } from "./result.ts";

/** A TimeStampReq of version 1 (RFC 3161 §2.4.1). */
export type TimestampRequest = {
  readonly hash: HashName;
  /** Raw digest, of the length that `hash` has. */
  readonly digest: Uint8Array;
  /** Dotted OID, where a policy is asked for. */
  readonly policy: string | undefined;
  /** Not negative, below 2^256. */
  readonly nonce: bigint | undefined;
  /** Whether the token shall carry the authority's certificate. */
  readonly certificates: boolean;
};

export const HASH_OIDS: Record<HashName, string> = {
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
};

export const DIGEST_BYTES: Record<HashName, number> = { sha256: 32, sha384: 48, sha512: 64 };

/** Larger than any honest request: a SHA-512 digest, a policy and a 256-bit nonce. */
export const MAX_TIMESTAMP_REQUEST = 1024;

const MAX_NONCE_BYTES = 33;

/** DER of MessageImprint: the digest and how it was made. */
export const messageImprint = (hash: HashName, digest: Uint8Array): Uint8Array =>
  sequence(sequence(oid(HASH_OIDS[hash])), octetString(digest));

/** DER of the TimeStampReq. */
export const encodeTimestampRequest = (request: TimestampRequest): Uint8Array =>
  sequence(
    integer(1),
    messageImprint(request.hash, request.digest),
    ...(request.policy === undefined ? [] : [oid(request.policy)]),
    ...(request.nonce === undefined ? [] : [integer(request.nonce)]),
    // DER leaves a DEFAULT FALSE out.
    ...(request.certificates ? [boolean(true)] : []),
  );

/** Why a request cannot be served: the bits of PKIFailureInfo (RFC 3161 §2.4.2). */
export type TimestampRefusal =
  | "badAlg"
  | "badRequest"
  | "badDataFormat"
  | "unacceptedPolicy"
  | "unacceptedExtension";

export type ParsedRequest =
  | { readonly kind: "request"; readonly request: TimestampRequest }
  | { readonly kind: "refused"; readonly refusal: TimestampRefusal; readonly reason: string };

/**
 * Reads a DER TimeStampReq. What is no TimeStampReq at all is a failure (TIMESTAMP_REQUEST);
 * what is one but cannot be served is `refused`, which the authority answers in RFC 3161's way.
 */
export const parseTimestampRequest = (bytes: Uint8Array): Result<ParsedRequest> => {
  if (bytes.length > MAX_TIMESTAMP_REQUEST) {
    return fail("TIMESTAMP_REQUEST", `the request has ${bytes.length} bytes`);
  }
  const outer = readDer(bytes);
  const parts = outer.ok && outer.value.tag === TAG.SEQUENCE ? children(outer.value) : outer;
  if (!parts.ok || !Array.isArray(parts.value)) return malformed("it is not a DER sequence");
  const [version, imprint, ...rest] = parts.value;
  if (version?.tag !== TAG.INTEGER || imprint?.tag !== TAG.SEQUENCE) {
    return malformed("it lacks version or message imprint");
  }
  if (version.content.length !== 1 || version.content[0] !== 1) {
    return refuse("badRequest", "only version 1 is known");
  }
  const parsed = readImprint(imprint);
  if (!parsed.ok || parsed.value.kind === "refused") return parsed;
  return readOptions(parsed.value.request, rest);
};

const malformed = (what: string): Result<ParsedRequest> =>
  fail("TIMESTAMP_REQUEST", `the bytes are no timestamp request: ${what}`);

const refuse = (refusal: TimestampRefusal, reason: string): Result<ParsedRequest> =>
  ok({ kind: "refused", refusal, reason });

const readImprint = (imprint: DerNode): Result<ParsedRequest> => {
  const fields = children(imprint);
  if (!fields.ok) return fields;
  const [algorithm, digest, extra] = fields.value;
  const inner = algorithm?.tag === TAG.SEQUENCE ? children(algorithm) : undefined;
  const id = inner?.ok === true && inner.value[0]?.tag === TAG.OID ? inner.value[0] : undefined;
  if (id === undefined || digest?.tag !== TAG.OCTET_STRING || extra !== undefined) {
    return malformed("the message imprint is malformed");
  }
  const dotted = readOid(id.content);
  const hash = (Object.keys(HASH_OIDS) as HashName[]).find((name) => HASH_OIDS[name] === dotted);
  if (hash === undefined) return refuse("badAlg", "only SHA-256, SHA-384 and SHA-512 are served");
  if (digest.content.length !== DIGEST_BYTES[hash]) {
    return refuse("badDataFormat", "the digest's length is not its algorithm's");
  }
  return ok({
    kind: "request",
    request: {
      hash,
      digest: digest.content,
      policy: undefined,
      nonce: undefined,
      certificates: false,
    },
  });
};

/** The optional fields, each at most once and in the order of the syntax. */
const readOptions = (
  request: TimestampRequest,
  rest: readonly DerNode[],
): Result<ParsedRequest> => {
  let { policy, nonce, certificates } = request;
  const queue = [...rest];
  if (queue[0]?.tag === TAG.OID) {
    policy = readOid(queue.shift()?.content ?? new Uint8Array());
    if (policy === undefined) return malformed("the policy is malformed");
  }
  if (queue[0]?.tag === TAG.INTEGER) {
    const content = queue.shift()?.content ?? new Uint8Array();
    const negative = ((content[0] ?? 0x80) & 0x80) !== 0;
    if (negative || content.length > MAX_NONCE_BYTES) return malformed("the nonce is out of range");
    nonce = fromBigEndian(content);
  }
  if (queue[0]?.tag === TAG.BOOLEAN) {
    const content = queue.shift()?.content;
    if (content?.length !== 1) return malformed("certReq is malformed");
    certificates = content[0] !== 0;
  }
  if (queue[0]?.tag === 0xa0) return refuse("unacceptedExtension", "no extensions are served");
  if (queue.length > 0) return malformed("there are fields that RFC 3161 does not know");
  return ok({ kind: "request", request: { ...request, policy, nonce, certificates } });
};
