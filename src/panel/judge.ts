import { parseDistributionFilename } from "../dists/filename.ts";
import { checkSdist } from "../dists/sdist.ts";
import { checkWheel } from "../dists/wheel.ts";
import { parseBundle } from "../formats/bundle.ts";
import { hex } from "../formats/bytes.ts";
import { evidenceNames, MAX_EVIDENCE_BYTES, requiredEvidence } from "../formats/evidence.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import {
  type EvidenceSource,
  type NamedArtifact,
  type ReleaseInput,
  type ReleaseVerdict,
  verifyRelease,
} from "../stages/release.ts";
import { demandOf } from "../verification/policy.ts";
import { verify } from "../verification/verify.ts";
import { sha256 } from "./crypto-hash.ts";
import { accessTo, artifactOf, bytesOf, piecesOf } from "./dropped-file.ts";
import type { Given } from "./given.ts";
import { browserInflateRaw } from "./inflate.ts";

/** What was found of a dropped file, and whether its name was proven too or its bytes alone. */
export type Judged = {
  readonly verdict: ReleaseVerdict;
  readonly bytesOnly: boolean;
};

type Dropped = ReadonlyMap<string, File>;

const evidenceFrom =
  (dropped: Dropped): EvidenceSource =>
  async (name) => {
    const file = dropped.get(name);
    if (file === undefined) return ok(undefined);
    return file.size > MAX_EVIDENCE_BYTES
      ? fail("FILE_UNREADABLE", `${name} is larger than ${MAX_EVIDENCE_BYTES} bytes`)
      : ok(await bytesOf(file));
  };

const inspect = (file: File): ReturnType<ReleaseInput["inspect"]> => {
  const named = parseDistributionFilename(file.name);
  if (!named.ok) return Promise.resolve(named);
  return named.value.kind === "wheel"
    ? checkWheel(file.name, accessTo(file), browserInflateRaw)
    : checkSdist(file.name, piecesOf(file), browserInflateRaw);
};

/**
 * Verifies one dropped distribution by the evidence dropped with it: as a release where a publish
 * attestation binds its name, by its bytes alone where there is only a bundle.
 *
 * @param now - milliseconds since 1970
 */
export const judge = async (
  file: File,
  dropped: Dropped,
  { trust, expect }: Given,
  now: number,
): Promise<Judged> => {
  const artifact = await artifactOf(file);
  const evidence = evidenceFrom(dropped);
  const names = evidenceNames(file.name);
  const input = { artifact, evidence, inspect: () => inspect(file), expect, trust, now };
  if (requiredEvidence(file.name).every((name) => dropped.has(name))) {
    return { verdict: await verifyRelease(input), bytesOnly: false };
  }
  if (dropped.has(names.publishAttestation) || !dropped.has(names.bundle)) {
    return { verdict: await verifyRelease({ ...input, demands: "attested" }), bytesOnly: false };
  }
  return { verdict: await byBundle(input, names.bundle), bytesOnly: true };
};

const base = ({ name, sha256: digest, size }: NamedArtifact) => ({
  ...{ filename: name, sha256: hex(digest), size },
  ...{ findings: [], proofs: [], waivers: [] },
});

const byBundle = async (input: ReleaseInput, file: string): Promise<ReleaseVerdict> => {
  const { artifact, trust, now } = input;
  const refused = (error: Failure): ReleaseVerdict => ({ ...base(artifact), failure: error });
  const demand = demandOf(input.expect, artifact.name);
  if (!demand.ok) return refused(demand.error);
  const inspected = await input.inspect();
  if (!inspected.ok) return refused(inspected.error);
  const bytes: Result<Uint8Array | undefined> = await input.evidence(file);
  if (!bytes.ok) return refused(bytes.error);
  const bundle = parseBundle(bytes.value ?? new Uint8Array());
  if (!bundle.ok) return refused(failure(bundle.error.code, `${file}: ${bundle.error.message}`));
  const { expect, tlogThreshold, witnesses } = demand.value;
  const { name: _, ...unnamed } = artifact;
  const asked = { artifact: unnamed, bundle: bundle.value, expect, trust, now, tlogThreshold };
  const verdict = await verify({ ...asked, ...(witnesses && { witnesses }) });
  const digest = hex(sha256(bytes.value ?? new Uint8Array()));
  return {
    ...base(artifact),
    findings: inspected.value.findings,
    proofs: [{ kind: "bundle", file, sha256: digest, verdict }],
    ...(verdict.verified ? {} : { failure: verdict.failure }),
  };
};
