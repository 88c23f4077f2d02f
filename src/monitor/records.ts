import { digest, type HashName, sha256 } from "../crypto/hash.ts";
import { attestationToBundle, parseAttestation } from "../formats/attestation.ts";
import { parseBuildRecord } from "../formats/build-record.ts";
import { type Bundle, parseBundle } from "../formats/bundle.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import type { Certificate } from "../formats/certificate.ts";
import { parseCosignBundle } from "../formats/detached.ts";
import { envelopePae } from "../formats/dsse.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { leafHash } from "../formats/merkle.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { SignedEntry } from "./alarm.ts";

/** What my pipelines have on record. */
export type Records = {
  /** `sha256:HEX` of artifacts, from records that name no certificate. */
  readonly digests: Set<string>;
  /** A digest and the SHA-256 of a certificate, with a space between. */
  readonly signed: Set<string>;
  /** Leaf hashes of entries that were verified when they were recorded. */
  readonly leaves: Set<string>;
};

export const noRecords = (): Records => ({
  digests: new Set(),
  signed: new Set(),
  leaves: new Set(),
});

/**
 * Whether a record knows the entry: the very leaf; its digest with its certificate; or, unless
 * `strict`, its digest alone in a record that names no certificate.
 */
export const isKnown = (records: Records, entry: SignedEntry, strict: boolean): boolean => {
  const { leafHash: leaf, digest: signed, certificate } = entry;
  if (records.leaves.has(leaf)) return true;
  if (signed === undefined) return false;
  if (records.signed.has(`${signed} ${certificate.sha256}`)) return true;
  return !strict && records.digests.has(signed);
};

const HASHES: readonly HashName[] = ["sha256", "sha384", "sha512"];
const HASH_OF: Readonly<Record<string, HashName>> = {
  SHA2_256: "sha256",
  SHA2_384: "sha384",
  SHA2_512: "sha512",
};

/** What a log may have been told that a bundle's signature is over. */
const digestsOf = ({ content }: Bundle): string[] => {
  if (content.kind === "message-signature") {
    const hash = HASH_OF[content.digest?.algorithm ?? ""];
    return hash === undefined || content.digest === undefined
      ? []
      : [`${hash}:${hex(content.digest.bytes)}`];
  }
  const { envelope } = content;
  const pae = envelopePae(envelope);
  return [
    `sha256:${hex(sha256(envelope.payload))}`,
    ...HASHES.map((hash) => `${hash}:${hex(digest(hash, pae))}`),
  ];
};

const addSigned = (records: Records, digests: readonly string[], certificate: Certificate) => {
  const by = hex(sha256(certificate.der));
  for (const one of digests) records.signed.add(`${one} ${by}`);
};

const addBundle = (records: Records, bundle: Bundle): void => {
  for (const { canonicalizedBody } of bundle.entries) {
    records.leaves.add(hex(leafHash(canonicalizedBody)));
  }
  if (bundle.material.kind !== "certificate") return;
  addSigned(records, digestsOf(bundle), bundle.material.certificate);
};

const MAX_REPORT = 64 * 1024 * 1024;
const MAX_LISTED = 100_000;
const DIGEST = /^(?:sha256:)?([0-9a-f]{64})(?:\s.*)?$/;

/** `wheelseal-report.json`, of a run: what it built, and the entries that it verified. */
const readReport = (json: Json): { digests: string[]; leaves: string[] } => {
  const built = json.optional("record")?.field("distributions").items(MAX_LISTED) ?? [];
  const proofs = json
    .field("files")
    .items(MAX_LISTED)
    .flatMap((file) => file.field("proofs").items(MAX_LISTED));
  const logged = proofs.flatMap(
    (proof) => proof.field("verdict").optional("logged")?.items(MAX_LISTED) ?? [],
  );
  return {
    digests: built.map((one) => `sha256:${one.field("sha256").string()}`),
    leaves: logged.flatMap((one) => {
      const leaf = one.optional("inclusion")?.field("leafHash").string();
      return leaf === undefined ? [] : [leaf];
    }),
  };
};

const addReport = (records: Records, bytes: Uint8Array): Result<void> => {
  const json = parseJson(bytes, MAX_REPORT, "report");
  const read = json.ok ? readJson(json.value, "FORMAT_JSON", "report", readReport) : json;
  if (!read.ok) return read;
  for (const one of read.value.digests) records.digests.add(one);
  for (const one of read.value.leaves) records.leaves.add(one);
  return ok(undefined);
};

/** Lines of `HEX`, `sha256:HEX` or `HEX  NAME`; empty ones and those after `#` say nothing. */
const addDigestList = (records: Records, bytes: Uint8Array): Result<void> => {
  const text = fromUtf8(bytes);
  if (!text.ok) return text;
  for (const [at, line] of text.value.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const found = DIGEST.exec(line.trim())?.[1];
    if (found === undefined) return fail("FORMAT_TEXT", `line ${at + 1} names no SHA-256`);
    records.digests.add(`sha256:${found}`);
  }
  return ok(undefined);
};

const addEvidence = (records: Records, parsed: Result<Bundle>): Result<void> => {
  if (!parsed.ok) return parsed;
  addBundle(records, parsed.value);
  return ok(undefined);
};

const bundleOf = (bytes: Uint8Array): Result<Bundle> => {
  const bundle = parseBundle(bytes);
  const cosign = bundle.ok ? bundle : parseCosignBundle(bytes);
  return cosign.ok ? cosign : bundle;
};

const attestationOf = (bytes: Uint8Array): Result<Bundle> => {
  const attestation = parseAttestation(bytes);
  return attestation.ok ? ok(attestationToBundle(attestation.value)) : attestation;
};

const addBuildRecord = (records: Records, bytes: Uint8Array): Result<void> => {
  const record = parseBuildRecord(bytes);
  if (!record.ok) return record;
  for (const one of record.value.distributions) records.digests.add(`sha256:${one.sha256}`);
  return ok(undefined);
};

type Add = (records: Records, bytes: Uint8Array) => Result<void>;

/** How a record is read, by the end of its file's name. */
const KINDS: readonly (readonly [suffix: string, add: Add])[] = [
  ["wheelseal-build.json", addBuildRecord],
  ["wheelseal-report.json", addReport],
  [".sigstore.json", (records, bytes) => addEvidence(records, bundleOf(bytes))],
  [".sigstore", (records, bytes) => addEvidence(records, bundleOf(bytes))],
  [".bundle", (records, bytes) => addEvidence(records, bundleOf(bytes))],
  [".attestation", (records, bytes) => addEvidence(records, attestationOf(bytes))],
  [".sha256", addDigestList],
  ["SHA256SUMS", addDigestList],
];

/** How a file of that name is read as a record; `undefined` for a file that is none. */
export const recordReader = (name: string): Add | undefined =>
  KINDS.find(([suffix]) => name.endsWith(suffix))?.[1];

/** An artifact that lies beside its certificate (`F` and `F.crt`), as cosign leaves them. */
export const addDetached = (
  records: Records,
  artifact: Uint8Array,
  certificate: Certificate,
): void => addSigned(records, [`sha256:${hex(artifact)}`], certificate);
