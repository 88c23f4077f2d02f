import type { GenericPackage } from "../clients/generic.ts";
import type { IndexFile, SimpleIndex } from "../clients/simple-index.ts";
import { type Attestation, formatAttestation } from "../formats/attestation.ts";
import { evidenceNames, MAX_EVIDENCE_BYTES, PREDICATE } from "../formats/evidence.ts";
import { parseProvenance } from "../formats/provenance-object.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseStatement } from "../formats/statement.ts";
import type { EvidenceSource } from "./release.ts";

type Clients = {
  readonly index: Pick<SimpleIndex, "provenance">;
  readonly evidence: Pick<GenericPackage, "get">;
};

/**
 * Where the evidence of a file comes from: the generic registry, and, if the index serves PEP 740
 * provenance, that too, in place of the attestations of the same kind. The file must verify by
 * each of the sources; attestations that the index alone has fill gaps in the first.
 * @returns ATTESTATION_FORMAT, ATTESTATION_EMPTY, STATEMENT_PREDICATE, and as the clients do
 */
export const evidenceSources = async (
  listed: IndexFile,
  { index, evidence }: Clients,
): Promise<Result<readonly EvidenceSource[]>> => {
  const generic: EvidenceSource = (name) => evidence.get(name, MAX_EVIDENCE_BYTES);
  const served = await index.provenance(listed);
  if (!served.ok) return served;
  if (served.value === undefined) return ok([generic]);
  const sets = readServed(listed.filename, served.value);
  if (!sets.ok) return sets;
  const filled: EvidenceSource = async (name) => {
    const own = await generic(name);
    return own.ok && own.value === undefined ? ok(sets.value[0]?.get(name)) : own;
  };
  const instead = sets.value.map((set): EvidenceSource => {
    return async (name) => (set.has(name) ? ok(set.get(name)) : filled(name));
  });
  return ok([filled, ...instead]);
};

/** The attestations as evidence files; a second one of a kind begins another set. */
const readServed = (
  filename: string,
  bytes: Uint8Array,
): Result<readonly ReadonlyMap<string, Uint8Array>[]> => {
  const provenance = parseProvenance(bytes);
  if (!provenance.ok) return provenance;
  const sets: Map<string, Uint8Array>[] = [];
  for (const attestation of provenance.value.bundles.flatMap((bundle) => bundle.attestations)) {
    const name = evidenceNameOf(filename, attestation);
    if (!name.ok) return name;
    const set = sets.find((one) => !one.has(name.value));
    const content = formatAttestation(attestation);
    if (set === undefined) sets.push(new Map([[name.value, content]]));
    else set.set(name.value, content);
  }
  return ok(sets);
};

const evidenceNameOf = (filename: string, attestation: Attestation): Result<string> => {
  const statement = parseStatement(attestation.statement);
  if (!statement.ok) return statement;
  const names = evidenceNames(filename);
  switch (statement.value.predicateType) {
    case PREDICATE.publish:
      return ok(names.publishAttestation);
    case PREDICATE.provenance:
      return ok(names.provenanceAttestation);
    case PREDICATE.sbom:
      return ok(names.sbomAttestation);
    default:
      return fail("STATEMENT_PREDICATE", `the index serves an unknown attestation for ${filename}`);
  }
};
