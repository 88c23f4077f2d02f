import {
  type Bundle,
  MAX_BUNDLE_BYTES,
  MAX_ENTRIES,
  MAX_SIGNATURE_BYTES,
  type TlogEntry,
} from "./bundle.ts";
import { base64, utf8 } from "./bytes.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "./dsse.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { all, fail, ok, type Result } from "./result.ts";
import { readTlogEntry, tlogEntryJson } from "./tlog-entry.ts";

/** A PEP 740 attestation object, version 1. */
export type Attestation = {
  readonly certificate: Certificate;
  /** At least one, each with an inclusion proof and its checkpoint. */
  readonly entries: readonly TlogEntry[];
  /** The in-toto statement, byte for byte as signed. */
  readonly statement: Uint8Array;
  /** Over the DSSE encoding of `statement`. */
  readonly signature: Uint8Array;
};

/** PyPI takes two; this is the cap before any cryptography. */
export const MAX_ATTESTATIONS = 16;
const MAX_CERTIFICATE_BYTES = 64 * 1024;

/** An attestation whose certificate is still DER. */
export type RawAttestation = Omit<Attestation, "certificate"> & {
  readonly certificate: Uint8Array;
};

const readEntry = (json: Json): TlogEntry => {
  const entry = readTlogEntry(json);
  if (entry.inclusionProof?.checkpoint === undefined) {
    return json.refuse("has no inclusion proof with a checkpoint");
  }
  return entry;
};

const capped = (json: Json, max: number): Uint8Array => {
  const bytes = json.base64();
  return bytes.length <= max ? bytes : json.refuse(`has more than ${max} bytes`);
};

/** Demands `"version": 1`. */
export const version1 = (json: Json): void => {
  const version = json.field("version");
  if (version.integer() !== 1) version.refuse("is not 1");
};

/** Reads one attestation object; shared with the provenance object that holds many. */
export const readRawAttestation = (json: Json): RawAttestation => {
  json.only("version", "verification_material", "envelope");
  version1(json);
  const material = json.field("verification_material").only("certificate", "transparency_entries");
  const envelope = json.field("envelope").only("statement", "signature");
  const entries = material.field("transparency_entries");
  const list = entries.items(MAX_ENTRIES).map(readEntry);
  if (list.length === 0) entries.refuse("is empty");
  return {
    certificate: capped(material.field("certificate"), MAX_CERTIFICATE_BYTES),
    entries: list,
    statement: envelope.field("statement").base64(),
    signature: capped(envelope.field("signature"), MAX_SIGNATURE_BYTES),
  };
};

export const withCertificate = (raw: RawAttestation): Result<Attestation> => {
  const certificate = parseCertificate(raw.certificate);
  return certificate.ok ? ok({ ...raw, certificate: certificate.value }) : certificate;
};

/**
 * Parses one PEP 740 attestation: version 1, no unknown fields, one certificate, and at least one
 * log entry.
 *
 * @returns `ATTESTATION_FORMAT`, `CERT_FORMAT`, `FORMAT_SIZE`, `FORMAT_JSON`
 */
export const parseAttestation = (input: Uint8Array | string): Result<Attestation> => {
  const value = parseJson(input, MAX_BUNDLE_BYTES, "attestation");
  if (!value.ok) return value;
  const raw = readJson(value.value, "ATTESTATION_FORMAT", "attestation", readRawAttestation);
  return raw.ok ? withCertificate(raw.value) : raw;
};

/**
 * Parses a JSON array of attestations, as an upload's `attestations` field carries it.
 *
 * @returns as {@link parseAttestation}, and `ATTESTATION_EMPTY` for an empty list
 */
export const parseAttestations = (input: Uint8Array | string): Result<Attestation[]> => {
  const value = parseJson(input, MAX_BUNDLE_BYTES, "attestations");
  if (!value.ok) return value;
  const raws = readJson(value.value, "ATTESTATION_FORMAT", "attestations", (json) =>
    json.items(MAX_ATTESTATIONS).map(readRawAttestation),
  );
  if (!raws.ok) return raws;
  if (raws.value.length === 0)
    return fail("ATTESTATION_EMPTY", "the list of attestations is empty");
  return all(raws.value.map(withCertificate));
};

/** The JSON value of an attestation. */
export const attestationJson = (attestation: Attestation) => ({
  version: 1,
  verification_material: {
    certificate: base64(attestation.certificate.der),
    transparency_entries: attestation.entries.map(tlogEntryJson),
  },
  envelope: {
    statement: base64(attestation.statement),
    signature: base64(attestation.signature),
  },
});

/** UTF-8 JSON on one line. */
export const formatAttestation = (attestation: Attestation): Uint8Array =>
  utf8(JSON.stringify(attestationJson(attestation)));

/** The JSON array that an upload's `attestations` field carries. */
export const formatAttestations = (attestations: readonly Attestation[]): string =>
  JSON.stringify(attestations.map(attestationJson));

/** The same evidence as a bundle of version 0.3 (PEP 740, "to_bundle"), every entry kept. */
export const attestationToBundle = (attestation: Attestation): Bundle => ({
  version: "0.3",
  material: { kind: "certificate", certificate: attestation.certificate, chain: [] },
  entries: attestation.entries,
  timestamps: [],
  content: {
    kind: "dsse",
    envelope: {
      payloadType: IN_TOTO_PAYLOAD_TYPE,
      payload: attestation.statement,
      signature: attestation.signature,
      keyid: "",
    },
  },
});

/**
 * The same evidence as a PEP 740 attestation. Timestamps have no place there, so entries of a
 * Rekor v2 log, which need them, cannot be carried.
 *
 * @returns `ATTESTATION_FORMAT` for a bundle that PEP 740 cannot express
 */
export const bundleToAttestation = (bundle: Bundle): Result<Attestation> => {
  const { material, content, entries } = bundle;
  if (content.kind !== "dsse" || content.envelope.payloadType !== IN_TOTO_PAYLOAD_TYPE) {
    return fail("ATTESTATION_FORMAT", "the bundle holds no in-toto statement");
  }
  if (material.kind !== "certificate") {
    return fail("ATTESTATION_FORMAT", "the bundle was signed with a managed key");
  }
  const complete = entries.every(
    (entry) => entry.inclusionProof?.checkpoint !== undefined && entry.integratedTime > 0n,
  );
  if (entries.length === 0 || !complete) {
    return fail("ATTESTATION_FORMAT", "the bundle has no log entry with a time and a checkpoint");
  }
  return ok({
    certificate: material.certificate,
    entries,
    statement: content.envelope.payload,
    signature: content.envelope.signature,
  });
};
