import { PREDICATE } from "../formats/evidence.ts";
import { type Json, readJson } from "../formats/json.ts";
import { FULCIO } from "../formats/oids.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Signer, Verdict } from "./verdict.ts";

type Certified = Extract<Signer, { kind: "certificate" }>;

/** GitLab's type of provenance for a CI/CD job; no other kind's claims are understood here. */
export const BUILD_TYPE = "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1";

const MAX_DEPENDENCIES = 4096;

/** A statement of the predicate and what the certificate vouches for in its place. */
type Claim = {
  /** Where it stands in the predicate. */
  readonly place: string;
  readonly stated: string | undefined;
  /** Any of these; empty where the certificate says nothing. */
  readonly certified: readonly string[];
};

const certified = (signer: Certified, number: number): string[] => {
  const value = signer.claims[number];
  return value === undefined ? [] : [value];
};

/** The source as SLSA writes it (SPDX download location): `git+URL@REF`. */
const sourceUri = (signer: Certified): string | undefined => {
  const repository = signer.claims[FULCIO.sourceRepositoryUri];
  const ref = signer.claims[FULCIO.sourceRepositoryRef];
  return repository === undefined || ref === undefined ? undefined : `git+${repository}@${ref}`;
};

const commitOf = (dependency: Json): string | undefined =>
  dependency.optional("digest")?.optional("gitCommit")?.string();

/** The commit that the predicate gives for `uri`; two that differ are a contradiction. */
const commitFor = (predicate: Json, uri: string | undefined): string | undefined => {
  const list = predicate.field("buildDefinition").optional("resolvedDependencies");
  const dependencies = list?.items(MAX_DEPENDENCIES) ?? [];
  const commits = new Set(
    dependencies
      .filter((one) => uri !== undefined && one.optional("uri")?.value === uri)
      .map(commitOf),
  );
  return commits.size > 1 ? list?.refuse("names one source at two commits") : [...commits][0];
};

const builderIds = (signer: Certified): string[] => [
  ...certified(signer, FULCIO.buildSignerUri),
  signer.san,
];

/** GitLab names the runner; its number is in no certificate, so only its instance is compared. */
const runnerOf = (id: string | undefined, signer: Certified): boolean =>
  id?.startsWith(`${signer.issuer}/-/runners/`) === true &&
  /^\d+$/.test(id.slice(`${signer.issuer}/-/runners/`.length));

/** All that both sides speak of, in the order of the predicate. */
const claimsOf = (predicate: Json, signer: Certified): Claim[] => {
  const definition = predicate.field("buildDefinition");
  const external = definition.field("externalParameters");
  const internal = definition.optional("internalParameters");
  const run = predicate.field("runDetails");
  const builder = run.field("builder").field("id").string();
  const claim = (place: string, stated: string | undefined, number: number): Claim => ({
    place,
    stated,
    certified: certified(signer, number),
  });
  const text = (json: Json | undefined, name: string) => json?.optional(name)?.string();
  return [
    claim("source", text(external, "source"), FULCIO.sourceRepositoryUri),
    claim("ref", text(external, "ref"), FULCIO.sourceRepositoryRef),
    claim("configuration", text(external, "configuration"), FULCIO.buildConfigUri),
    claim("trigger", text(internal, "trigger"), FULCIO.buildTrigger),
    claim("runner environment", text(internal, "runnerEnvironment"), FULCIO.runnerEnvironment),
    claim("commit", commitFor(predicate, sourceUri(signer)), FULCIO.sourceRepositoryDigest),
    {
      place: "builder",
      stated: builder,
      certified: runnerOf(builder, signer) ? [builder] : builderIds(signer),
    },
    claim("invocation", text(run.optional("metadata"), "invocationId"), FULCIO.runInvocationUri),
  ];
};

/** Both sides silent is agreement; one side silent is not. */
const agrees = ({ stated, certified: values }: Claim): boolean =>
  stated === undefined ? values.length === 0 : values.includes(stated);

/**
 * Compares the SLSA provenance of a GitLab job with the certificate that signed it: repository,
 * ref, commit, configuration, trigger, runner environment, builder and job must be the certified
 * ones. Whoever may sign in a project could else claim another source.
 *
 * What no certificate speaks of (build tools, parameters, times) is only the builder's word.
 *
 * @param verdict - of a provenance attestation that {@link verify} has accepted
 * @returns `STATEMENT_PREDICATE` for another predicate or build type, `STATEMENT_FORMAT`,
 * `ATTESTATION_CLAIMS` for the first that differs
 */
export const compareProvenance = (verdict: Verdict & { verified: true }): Result<undefined> => {
  const { signer, predicateType, predicate } = verdict;
  if (predicateType !== PREDICATE.provenance) {
    return fail("STATEMENT_PREDICATE", `the statement is ${predicateType}, not provenance`);
  }
  if (signer.kind !== "certificate") {
    return fail("ATTESTATION_CLAIMS", "provenance by a bare key has no certificate to agree with");
  }
  const read = readJson(predicate, "STATEMENT_FORMAT", "predicate", (json) => ({
    buildType: json.field("buildDefinition").field("buildType").string(),
    claims: claimsOf(json, signer),
  }));
  if (!read.ok) return read;
  if (read.value.buildType !== BUILD_TYPE) {
    return fail("STATEMENT_PREDICATE", `the build type ${read.value.buildType} is not GitLab's`);
  }
  const wrong = read.value.claims.find((claim) => !agrees(claim));
  if (wrong === undefined) return ok(undefined);
  const stated = wrong.stated ?? "nothing";
  const says = wrong.certified.join(" or ") || "nothing";
  return fail(
    "ATTESTATION_CLAIMS",
    `the provenance states ${stated} as ${wrong.place}; the certificate says ${says}`,
  );
};

/** What a certificate says of the source that its job ran on, by Fulcio's numbers. */
const SOURCE = [
  ["repository", FULCIO.sourceRepositoryUri],
  ["commit", FULCIO.sourceRepositoryDigest],
  ["ref", FULCIO.sourceRepositoryRef],
] as const;

/**
 * Whether all evidence of one file comes from one source: jobs may differ, but evidence of two
 * releases must not be mixed, even where the expected identity covers both.
 *
 * @param verdicts - of one file; those by bare keys and those not verified say nothing
 * @returns `ATTESTATION_CLAIMS`
 */
export const compareSources = (verdicts: readonly Verdict[]): Result<undefined> => {
  const signers = verdicts.flatMap((verdict) =>
    verdict.verified && verdict.signer.kind === "certificate" ? [verdict.signer] : [],
  );
  for (const [what, number] of SOURCE) {
    const [first, other] = [...new Set(signers.map(({ claims }) => claims[number] ?? "nothing"))];
    if (other !== undefined) {
      const message = `the evidence comes from two sources: the ${what} is ${first} and ${other}`;
      return fail("ATTESTATION_CLAIMS", message);
    }
  }
  return ok(undefined);
};
