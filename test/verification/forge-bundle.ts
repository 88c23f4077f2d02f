import { sha256 } from "../../src/crypto/hash.ts";
import type { PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import type { Bundle, BundleContent, InclusionProof, TlogEntry } from "../../src/formats/bundle.ts";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import type { Certificate } from "../../src/formats/certificate.ts";
import { formatCheckpoint, noteKeyId, signNote } from "../../src/formats/checkpoint.ts";
import { envelopeJson, IN_TOTO_PAYLOAD_TYPE, pae } from "../../src/formats/dsse.ts";
import { PREDICATE } from "../../src/formats/evidence.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { leafHash, nodeHash } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { formatStatement } from "../../src/formats/statement.ts";
import {
  certificateVerifier,
  expectedBody,
  keyVerifier,
  type Logged,
} from "../../src/formats/tlog-body.ts";
import type { Expectation, VerificationInput } from "../../src/verification/verdict.ts";

import {
  CONTENT,
  FILENAME,
  ISSUER,
  LOG_HOST,
  LOG2_HOST,
  NOW,
  SAN,
  SIGNED_AT,
  TRUST,
  WORLD,
} from "./forge.ts";

/** The SET that `log` would give for this entry. */
export const promiseOf = (entry: TlogEntry, log: PrivateKey): Uint8Array =>
  sign(
    log,
    "sha256",
    canonicalJson({
      body: base64(entry.canonicalizedBody),
      integratedTime: Number(entry.integratedTime),
      logID: hex(entry.logId),
      logIndex: Number(entry.logIndex),
    }),
  );

/** A proof for `body` as leaf 2 of a tree of 4, under a checkpoint by `key`. */
export const proofOf = (
  body: Uint8Array,
  key: PrivateKey,
  host: string,
  origin = host,
): InclusionProof => {
  const a = leafHash(utf8("a"));
  const b = leafHash(utf8("b"));
  const c = leafHash(utf8("c"));
  const left = nodeHash(a, b);
  const rootHash = nodeHash(left, nodeHash(leafHash(body), c));
  const text = formatCheckpoint({ origin, size: 4n, rootHash, extensions: [] });
  return {
    logIndex: 2n,
    rootHash,
    treeSize: 4n,
    hashes: [c, left],
    checkpoint: signNote(text, host, key),
  };
};

export const entryV1 = (logged: Logged, at = SIGNED_AT, body?: Uint8Array): TlogEntry => {
  const kind = logged.kind === "envelope" ? "dsse" : "hashedrekord";
  const text =
    logged.kind === "envelope" ? JSON.stringify(envelopeJson(logged.envelope)) : undefined;
  const canonicalizedBody = body ?? unwrap(expectedBody(kind, "0.0.1", logged, text));
  const entry: TlogEntry = {
    logIndex: 1002n,
    logId: WORLD.log.publicKey.keyId,
    kind,
    version: "0.0.1",
    integratedTime: BigInt(at / 1000),
    signedEntryTimestamp: undefined,
    inclusionProof: proofOf(
      canonicalizedBody,
      WORLD.log,
      LOG_HOST,
      `${LOG_HOST} - 1193050959916656506`,
    ),
    canonicalizedBody,
  };
  return { ...entry, signedEntryTimestamp: promiseOf(entry, WORLD.log) };
};

export const entryV2 = (logged: Logged): TlogEntry => {
  const canonicalizedBody = unwrap(expectedBody("hashedrekord", "0.0.2", logged));
  return {
    logIndex: 2n,
    logId: noteKeyId(LOG2_HOST, WORLD.log2.publicKey),
    kind: "hashedrekord",
    version: "0.0.2",
    integratedTime: 0n,
    signedEntryTimestamp: undefined,
    inclusionProof: proofOf(canonicalizedBody, WORLD.log2, LOG2_HOST),
    canonicalizedBody,
  };
};

export const EXPECT: Expectation = {
  kind: "identity",
  anyOf: [{ kind: "exact", san: SAN, issuer: ISSUER }],
};

export const statementOf = (
  name = FILENAME,
  content = CONTENT,
  predicateType: string = PREDICATE.publish,
  predicate: unknown = null,
) => formatStatement([{ name, sha256: sha256(content) }], predicateType, predicate);

export type Signing = { readonly key: PrivateKey; readonly certificate: Certificate | undefined };

const verifierOf = ({ key, certificate }: Signing) =>
  certificate === undefined ? keyVerifier(key.publicKey) : certificateVerifier(certificate);

const bundleOf = ({ certificate }: Signing, entry: TlogEntry, content: BundleContent): Bundle => ({
  version: "0.3",
  material:
    certificate === undefined
      ? { kind: "public-key", hint: "" }
      : { kind: "certificate", certificate, chain: [] },
  entries: [entry],
  timestamps: [],
  content,
});

const hashFor = (key: PrivateKey) =>
  key.algorithm === "ecdsa-p384" ? "sha384" : key.algorithm === "ecdsa-p521" ? "sha512" : "sha256";

/** A bundle with a signature over the file. */
export const messageBundle = (signing: Signing, log = entryV1, content = CONTENT): Bundle => {
  const signature = sign(signing.key, "sha256", content);
  const digest = sha256(content);
  const logged: Logged = {
    kind: "artifact",
    hash: "sha256",
    digest,
    signature,
    verifier: verifierOf(signing),
  };
  return bundleOf(signing, log(logged), {
    kind: "message-signature",
    digest: { algorithm: "SHA2_256", bytes: digest },
    signature,
  });
};

/** A bundle with a statement in an envelope. */
export const envelopeBundle = (
  signing: Signing,
  log = entryV1,
  payload = statementOf(),
  payloadType = IN_TOTO_PAYLOAD_TYPE,
): Bundle => {
  const signature = sign(signing.key, hashFor(signing.key), pae(payloadType, payload));
  const envelope = { payloadType, payload, signature, keyid: "" };
  const logged: Logged = { kind: "envelope", envelope, verifier: verifierOf(signing) };
  return bundleOf(signing, log(logged), { kind: "dsse", envelope });
};

export const inputOf = (
  bundle: Bundle,
  changes: Partial<VerificationInput> = {},
): VerificationInput => ({
  artifact: artifactOfBytes(CONTENT, FILENAME),
  bundle,
  trust: TRUST,
  expect: EXPECT,
  now: NOW,
  ...changes,
});

/** The bundle with its first entry changed. */
export const withEntry = (bundle: Bundle, change: (entry: TlogEntry) => TlogEntry): Bundle => ({
  ...bundle,
  entries: bundle.entries.map((entry, index) => (index === 0 ? change(entry) : entry)),
});

/** The bytes with one bit changed. */
export const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  if (bit >> 3 >= bytes.length) throw new RangeError("no such bit");
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};
