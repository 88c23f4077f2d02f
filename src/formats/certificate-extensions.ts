import type { Certificate } from "./certificate.ts";
import { contextTag, type DerNode, TAG } from "./der.ts";
import { type DerReader, readDerAs } from "./der-reader.ts";
import { derived } from "./derived.ts";
import { FULCIO, FULCIO_PREFIX, OID } from "./oids.ts";
import { fail, ok, type Result } from "./result.ts";

/** A name in the SubjectAltName; `other-name` is Fulcio's username (57264.1.7). */
export type San = {
  readonly kind: "uri" | "email" | "dns" | "other-name";
  readonly value: string;
};

const MAX_NAMES = 16;

/** GeneralName ::= CHOICE { [1] rfc822Name, [2] dNSName, [6] URI: implicit IA5String } */
const SAN_TAGS: Readonly<Record<number, San["kind"]>> = {
  [contextTag(1, false)]: "email",
  [contextTag(2, false)]: "dns",
  [contextTag(6, false)]: "uri",
};

/** The value of an otherName ([0] { OID, [0] UTF8String }) that holds a Fulcio username. */
const readUsername = (reader: DerReader, node: DerNode): string => {
  const fields = reader.fields(node);
  const name = reader.oid(fields.next(TAG.OID, "otherName type"));
  if (name !== OID.fulcioUsername) reader.refuse(`an otherName of the unknown kind ${name}`);
  const wrapper = reader.fields(fields.next(contextTag(0), "otherName value"));
  fields.end();
  const text = reader.text(wrapper.next(TAG.UTF8_STRING, "username").content);
  wrapper.end();
  return text;
};

const readSan = (reader: DerReader, node: DerNode): San => {
  if (node.tag === contextTag(0)) return { kind: "other-name", value: readUsername(reader, node) };
  const kind = SAN_TAGS[node.tag] ?? reader.refuse("a name of a kind that is no identity");
  if (node.content.some((byte) => byte >= 0x80)) reader.refuse("a name that is not ASCII");
  return { kind, value: reader.text(node.content) };
};

/**
 * The names in the SubjectAltName extension; none if there is no such extension.
 *
 * @returns `CERT_SAN` for a malformed or empty list or name, or a kind that is no identity
 * @see RFC 5280 §4.2.1.6
 */
export const subjectAlternativeNames = derived(
  (certificate: Certificate): Result<readonly San[]> => {
    const extension = certificate.extensions.get(OID.subjectAltName);
    if (extension === undefined) return ok([]);
    return readDerAs("CERT_SAN", "subject alternative name", (reader) => {
      const nodes = reader.fields(reader.element(extension.value, TAG.SEQUENCE, "names")).rest();
      if (nodes.length === 0 || nodes.length > MAX_NAMES) reader.refuse(`${nodes.length} names`);
      const names = nodes.map((node) => readSan(reader, node));
      return names.some((name) => name.value === "") ? reader.refuse("an empty name") : names;
    });
  },
);

/** Reads one extension's DER with `read`; `undefined` where the certificate has no such one. */
const extensionReader = <T>(
  oid: string,
  tag: number,
  read: (reader: DerReader, node: DerNode, critical: boolean) => T,
): ((certificate: Certificate) => Result<T | undefined>) =>
  derived((certificate) => {
    const extension = certificate.extensions.get(oid);
    if (extension === undefined) return ok(undefined);
    return readDerAs("CERT_FORMAT", `extension ${oid}`, (reader) =>
      read(reader, reader.element(extension.value, tag, "value"), extension.critical),
    );
  });

export type BasicConstraints = {
  readonly ca: boolean;
  /** How many intermediates may follow; `undefined` means any number. */
  readonly pathLength: number | undefined;
};

/** RFC 5280 §4.2.1.9; `undefined` if the extension is missing. */
export const basicConstraints = extensionReader<BasicConstraints>(
  OID.basicConstraints,
  TAG.SEQUENCE,
  (reader, node) => {
    const fields = reader.fields(node);
    const flag = fields.optional(TAG.BOOLEAN);
    const ca = flag !== undefined && reader.boolean(flag);
    const limit = fields.optional(TAG.INTEGER);
    fields.end();
    if (limit === undefined) return { ca, pathLength: undefined };
    const pathLength = Number(reader.integer(limit));
    if (!ca || pathLength < 0 || pathLength > 255) reader.refuse("a malformed path length");
    return { ca, pathLength };
  },
);

/** In the order of their bits (RFC 5280 §4.2.1.3). */
const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

/** RFC 5280 §4.2.1.3; `undefined` if the extension is missing. */
export const keyUsage = extensionReader<ReadonlySet<KeyUsage>>(
  OID.keyUsage,
  TAG.BIT_STRING,
  (reader, node) => {
    const [unused, ...bytes] = node.content;
    if (unused === undefined || unused > 7 || bytes.length > 2) reader.refuse("malformed bits");
    const bits = KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    return new Set(bits);
  },
);

export type ExtendedKeyUsage = {
  readonly critical: boolean;
  /** Dotted OIDs, in their order. */
  readonly purposes: readonly string[];
};

/** RFC 5280 §4.2.1.12; `undefined` if the extension is missing. */
export const extendedKeyUsage = extensionReader<ExtendedKeyUsage>(
  OID.extendedKeyUsage,
  TAG.SEQUENCE,
  (reader, node, critical) => {
    const purposes = reader.fields(node).rest().map(reader.oid);
    return purposes.length > 0 ? { critical, purposes } : reader.refuse("no usage");
  },
);

/** The key identifier of RFC 5280 §4.2.1.2; `undefined` if the extension is missing. */
export const subjectKeyIdentifier = extensionReader<Uint8Array>(
  OID.subjectKeyIdentifier,
  TAG.OCTET_STRING,
  (_, node) => node.content,
);

/** The issuer's key identifier, RFC 5280 §4.2.1.1; `undefined` if it is not given. */
export const authorityKeyIdentifier = extensionReader<Uint8Array | undefined>(
  OID.authorityKeyIdentifier,
  TAG.SEQUENCE,
  (reader, node) => reader.fields(node).optional(contextTag(0, false))?.content,
);

/** What a Fulcio certificate says about the build: by the N of `1.3.6.1.4.1.57264.1.N`. */
export type FulcioClaims = Readonly<Record<string, string>>;

const readClaim = (number: number, value: Uint8Array): Result<string> =>
  readDerAs("CERT_FORMAT", `Fulcio extension ${number}`, (reader) =>
    reader.text(
      number <= FULCIO.githubWorkflowRef
        ? value
        : reader.element(value, TAG.UTF8_STRING, "UTF8String").content,
    ),
  );

/**
 * The Fulcio extensions of a certificate, as text, keyed by the N of `1.3.6.1.4.1.57264.1.N`
 * ("8" is the issuer). Up to 6 the value is bare text, above it a DER UTF8String.
 *
 * @returns `CERT_FORMAT` for a value that is neither
 */
export const fulcioClaims = derived((certificate: Certificate): Result<FulcioClaims> => {
  const claims: Record<string, string> = {};
  for (const [oid, { value }] of certificate.extensions) {
    const number = oid.startsWith(FULCIO_PREFIX) ? oid.slice(FULCIO_PREFIX.length) : "";
    if (!/^\d{1,4}$/.test(number)) continue;
    const claim = readClaim(Number(number), value);
    if (!claim.ok) return claim;
    claims[number] = claim.value;
  }
  return ok(claims);
});

/**
 * The OIDC issuer that a Fulcio certificate names, in extension .1.8, in .1.1, or equally in both.
 *
 * @returns `CERT_FORMAT` if they disagree, `IDENTITY_ISSUER` if there is none
 */
export const issuerOf = (certificate: Certificate): Result<string> => {
  const claims = fulcioClaims(certificate);
  if (!claims.ok) return claims;
  const legacy = claims.value[FULCIO.legacyIssuer];
  const issuer = claims.value[FULCIO.issuer] ?? legacy;
  if (issuer === undefined || issuer === "") {
    return fail("IDENTITY_ISSUER", "the certificate names no OIDC issuer");
  }
  if (legacy !== undefined && legacy !== issuer) {
    return fail("CERT_FORMAT", `the certificate names two issuers, ${issuer} and ${legacy}`);
  }
  return ok(issuer);
};
