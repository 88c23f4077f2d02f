import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey, type PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { type Certificate, parseCertificate } from "../../src/formats/certificate.ts";
import {
  intermediateCertificate,
  rootCertificate,
  signingLeaf,
  timestampingCertificate,
} from "../../src/formats/certificate-profiles.ts";
import {
  distinguishedName,
  encodeTbs,
  serialFrom,
  signCertificate,
  type TbsToWrite,
  withScts,
} from "../../src/formats/certificate-writer.ts";
import { noteKeyId } from "../../src/formats/checkpoint.ts";
import { utf8String } from "../../src/formats/der.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  type CtEntry,
  precertificateTbs,
  sctSignedBytes,
  serializeSct,
} from "../../src/formats/sct.ts";
import type { Authority, LogKey, TrustedRoot } from "../../src/formats/trusted-root.ts";

/** When everything in these tests is signed. */
export const SIGNED_AT = Date.parse("2026-06-01T12:00:00Z");
export const NOW = Date.parse("2026-11-24T00:00:00Z");
const YEAR = 365 * 24 * 3600 * 1000;
const AUTHORITY_LIFE = { notBefore: SIGNED_AT - YEAR, notAfter: SIGNED_AT + YEAR };
export const LEAF_LIFE = { notBefore: SIGNED_AT - 60_000, notAfter: SIGNED_AT + 540_000 };
const ALWAYS = { start: SIGNED_AT - YEAR, end: undefined };

export const ISSUER = "https://gitlab.example";
export const SAN = "https://gitlab.example/acme/widgets//.gitlab-ci.yml@refs/tags/v1.2.0";
export const FILENAME = "widgets-1.2.0-py3-none-any.whl";
export const CONTENT = utf8("not really a wheel");
export const SHA = "0123456789abcdef0123456789abcdef01234567";

/** Claims of a GitLab job, by Fulcio's numbers. */
export const CLAIMS: Readonly<Record<number, string>> = {
  1: ISSUER,
  8: ISSUER,
  9: SAN,
  10: SHA,
  11: "gitlab-hosted",
  12: "https://gitlab.example/acme/widgets",
  13: SHA,
  14: "refs/tags/v1.2.0",
  15: "20",
  16: "https://gitlab.example/acme",
  17: "72",
  18: SAN,
  19: SHA,
  20: "push",
  21: "https://gitlab.example/acme/widgets/-/jobs/302",
  22: "public",
  23: "release",
};

let counter = 0;
/** Another serial number at every call. */
export const nextSerial = (): Uint8Array => {
  counter += 1;
  return serialFrom(sha256(utf8(`serial ${counter}`)).slice(0, 20));
};

export const parsed = (der: Uint8Array): Certificate => unwrap(parseCertificate(der));

/** A certificate authority with one intermediate, both able to be made again with other lives. */
export const forgeAuthority = (name: string, life = AUTHORITY_LIFE, intermediateLife = life) => {
  const rootKey = generateKey("ecdsa-p384");
  const key = generateKey("ecdsa-p256");
  const rootIssuer = { name: distinguishedName(name, `${name} root`), key: rootKey };
  const issuer = { name: distinguishedName(name, `${name} intermediate`), key };
  const root = parsed(rootCertificate(rootIssuer, nextSerial(), life));
  const subject = { name: issuer.name, spki: key.publicKey.spki };
  const intermediate = parsed(
    intermediateCertificate(rootIssuer, subject, nextSerial(), intermediateLife),
  );
  return { rootIssuer, issuer, root, intermediate };
};

export type ForgedAuthority = ReturnType<typeof forgeAuthority>;

const forgeTsa = (name: string) => {
  const rootIssuer = {
    name: distinguishedName(name, `${name} root`),
    key: generateKey("ecdsa-p256"),
  };
  const root = parsed(rootCertificate(rootIssuer, nextSerial(), AUTHORITY_LIFE));
  const key = generateKey("ecdsa-p256");
  const subject = { name: distinguishedName(name, name), spki: key.publicKey.spki };
  const leaf = parsed(timestampingCertificate(rootIssuer, subject, nextSerial(), AUTHORITY_LIFE));
  return { rootIssuer, root, key, leaf };
};

/** Everything that the tests trust. Keys are made once: the tests change evidence, not these. */
export const WORLD = {
  ca: forgeAuthority("ca"),
  ct: generateKey("ecdsa-p256"),
  log: generateKey("ecdsa-p256"),
  log2: generateKey("ed25519"),
  tsa: forgeTsa("tsa"),
};

export const LOG_HOST = "rekor.example";
export const LOG2_HOST = "log2.rekor.example";

const logKey = (key: PrivateKey, host: string): LogKey => ({
  baseUrl: `https://${host}`,
  logId: noteKeyId(host, key.publicKey),
  checkpointKeyId: undefined,
  publicKey: key.publicKey,
  validity: ALWAYS,
});

export const authorityOf = (...chain: readonly Certificate[]): Authority => ({
  uri: "https://authority.example",
  chain,
  validity: ALWAYS,
});

export const TRUST: TrustedRoot = {
  tlogs: [logKey(WORLD.log, LOG_HOST), logKey(WORLD.log2, LOG2_HOST)],
  certificateAuthorities: [authorityOf(WORLD.ca.intermediate, WORLD.ca.root)],
  ctlogs: [logKey(WORLD.ct, "ct.example")],
  timestampAuthorities: [authorityOf(WORLD.tsa.leaf, WORLD.tsa.root)],
};

export type LeafOptions = {
  readonly ca?: ForgedAuthority;
  readonly key?: PrivateKey;
  readonly san?: string;
  readonly claims?: Readonly<Record<number, string | undefined>>;
  readonly life?: { notBefore: number; notAfter: number };
  /** Changes the TBS before the SCT is made. */
  readonly edit?: (tbs: TbsToWrite) => TbsToWrite;
  /** `none` leaves the SCT out. */
  readonly sct?:
    | "none"
    | { readonly log?: PrivateKey; readonly issuer?: PrivateKey; readonly at?: number };
};

const claimExtensions = (claims: LeafOptions["claims"] = {}) =>
  Object.entries({ ...CLAIMS, ...claims }).flatMap(([number, value]) =>
    value === undefined
      ? []
      : [
          {
            oid: `1.3.6.1.4.1.57264.1.${number}`,
            critical: false,
            value: Number(number) <= 6 ? utf8(value) : utf8String(value),
          },
        ],
  );

/** A serialised SCT by `log` over a certificate-log entry. */
export const forgeSct = (log: PrivateKey, entry: CtEntry, at = SIGNED_AT): Uint8Array => {
  const parts = { timestamp: BigInt(at), extensions: new Uint8Array(0) };
  return serializeSct({
    ...parts,
    logId: log.publicKey.keyId,
    hash: "sha256",
    algorithm: log.algorithm === "rsa-pkcs1v15" ? "rsa" : "ecdsa",
    signature: sign(log, "sha256", sctSignedBytes(parts, entry)),
  });
};

/** A signing certificate of the forged authority, with its key. */
export const forgeLeaf = (options: LeafOptions = {}) => {
  const { ca = WORLD.ca, key = generateKey("ecdsa-p256"), sct = {} } = options;
  const identity = {
    subjectAlternativeName: options.san ?? SAN,
    extensions: claimExtensions(options.claims),
  };
  const { spki } = key.publicKey;
  const plain = signingLeaf(ca.issuer, spki, identity, nextSerial(), options.life ?? LEAF_LIFE);
  const tbs = options.edit?.(plain) ?? plain;
  if (sct === "none") return { key, certificate: parsed(signCertificate(tbs, ca.issuer.key)) };
  const signedTbs = unwrap(precertificateTbs({ tbs: encodeTbs(tbs, ca.issuer.key.publicKey) }));
  const issuerKeyHash = (sct.issuer ?? ca.issuer.key).publicKey.keyId;
  const bytes = forgeSct(
    sct.log ?? WORLD.ct,
    { kind: "precert", issuerKeyHash, tbs: signedTbs },
    sct.at,
  );
  return { key, certificate: parsed(signCertificate(withScts(tbs, [bytes]), ca.issuer.key)) };
};

/** Changes one extension of a TBS; `undefined` removes it, a new one is added. */
export const withExtension =
  (oid: string, value: Uint8Array | undefined, critical = false) =>
  (tbs: TbsToWrite): TbsToWrite => {
    const others = tbs.extensions.filter((one) => one.oid !== oid);
    return {
      ...tbs,
      extensions: value === undefined ? others : [...others, { oid, critical, value }],
    };
  };
