import {
  type Attestation,
  attestationJson,
  MAX_ATTESTATIONS,
  type RawAttestation,
  readRawAttestation,
  version1,
  withCertificate,
} from "./attestation.ts";
import { MAX_BUNDLE_BYTES } from "./bundle.ts";
import { utf8 } from "./bytes.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { all, fail, ok, type Result } from "./result.ts";

/** Who an index says has published (PEP 740 and PyPI's publishers). Only the index's word. */
export type Publisher =
  | {
      readonly kind: "GitLab";
      readonly repository: string;
      readonly workflowFilepath: string;
      readonly environment: string | undefined;
    }
  | {
      readonly kind: "GitHub";
      readonly repository: string;
      readonly workflow: string;
      readonly environment: string | undefined;
    }
  | { readonly kind: "Google"; readonly email: string }
  | { readonly kind: "other"; readonly name: string };

export type AttestationBundle = {
  readonly publisher: Publisher;
  /** At least one. */
  readonly attestations: readonly Attestation[];
};

/** A PEP 740 provenance object, version 1: at least one bundle. */
export type Provenance = { readonly bundles: readonly AttestationBundle[] };

const MAX_PUBLISHERS = 16;

const environmentOf = (json: Json): string | undefined => {
  const environment = json.optional("environment")?.string();
  return environment === "" ? undefined : environment;
};

const readPublisher = (json: Json): Publisher => {
  const kind = json.field("kind").string();
  switch (kind) {
    case "GitLab":
      return {
        kind,
        repository: json.field("repository").string(),
        workflowFilepath: json.field("workflow_filepath").string(),
        environment: environmentOf(json),
      };
    case "GitHub":
      return {
        kind,
        repository: json.field("repository").string(),
        workflow: json.field("workflow").string(),
        environment: environmentOf(json),
      };
    case "Google":
      return { kind, email: json.field("email").string() };
    default:
      return { kind: "other", name: kind };
  }
};

type RawProvenance = readonly { publisher: Publisher; attestations: readonly RawAttestation[] }[];

const readProvenance = (json: Json): RawProvenance => {
  json.only("version", "attestation_bundles");
  version1(json);
  return json
    .field("attestation_bundles")
    .items(MAX_PUBLISHERS)
    .map((item) => {
      item.only("publisher", "attestations");
      return {
        publisher: readPublisher(item.field("publisher")),
        attestations: item.field("attestations").items(MAX_ATTESTATIONS).map(readRawAttestation),
      };
    });
};

/**
 * Parses a PEP 740 provenance object. An empty list, of bundles or inside one, proves nothing and
 * is a failure.
 *
 * @returns as {@link parseAttestation}, and `ATTESTATION_EMPTY`
 */
export const parseProvenance = (input: Uint8Array | string): Result<Provenance> => {
  const value = parseJson(input, MAX_BUNDLE_BYTES, "provenance");
  if (!value.ok) return value;
  const raw = readJson(value.value, "ATTESTATION_FORMAT", "provenance", readProvenance);
  if (!raw.ok) return raw;
  const bundles: AttestationBundle[] = [];
  for (const { publisher, attestations } of raw.value) {
    if (attestations.length === 0) {
      return fail("ATTESTATION_EMPTY", `the bundle of a ${publisher.kind} publisher is empty`);
    }
    const parsed = all(attestations.map(withCertificate));
    if (!parsed.ok) return parsed;
    bundles.push({ publisher, attestations: parsed.value });
  }
  if (bundles.length === 0) return fail("ATTESTATION_EMPTY", "the provenance has no attestations");
  return ok({ bundles });
};

const publisherJson = (publisher: Publisher) => {
  switch (publisher.kind) {
    case "GitLab":
      return {
        kind: publisher.kind,
        repository: publisher.repository,
        workflow_filepath: publisher.workflowFilepath,
        environment: publisher.environment ?? null,
      };
    case "GitHub":
      return {
        kind: publisher.kind,
        repository: publisher.repository,
        workflow: publisher.workflow,
        environment: publisher.environment ?? null,
      };
    case "Google":
      return publisher;
    case "other":
      return { kind: publisher.name };
    default:
      return publisher satisfies never;
  }
};

/** The JSON of a provenance object, UTF-8 on one line (PEP 740, `/integrity/…/provenance`). */
export const formatProvenance = (provenance: Provenance): Uint8Array =>
  utf8(
    JSON.stringify({
      version: 1,
      attestation_bundles: provenance.bundles.map(({ publisher, attestations }) => ({
        publisher: publisherJson(publisher),
        attestations: attestations.map(attestationJson),
      })),
    }),
  );
