import { evidenceNames } from "../formats/evidence.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import type { EvidenceSource, ReleaseVerdict } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import type { Signer } from "../verification/verdict.ts";
import {
  attestationIdentityOf,
  describeIdentity,
  expectationOf,
  isStated,
} from "./attestation-identity.ts";
import type { ClosureEntry } from "./closure.ts";
import type { Located } from "./closure-locate.ts";
import type { Demanded, FileVerdict, KeptEvidence } from "./closure-verdict.ts";
import type { ClosureWorld } from "./closure-world.ts";
import { type Candidate, type Evaluation, evaluateFile, type Rules } from "./evaluate-file.ts";
import { identityOffered } from "./first-use.ts";
import { isOutage } from "./gateway-world.ts";
import { bringFile, keepFile } from "./quarantined.ts";

/** Who says whom to expect of a package. */
const demandedBy = ({ expect }: ClosureWorld, { name, identities }: ClosureEntry): Demanded => {
  if (expect !== undefined && expect.kind !== "policy") return "caller";
  if (expect?.policy.packages.has(name) === true) return "policy";
  return identities.length > 0 ? "lock" : "nobody";
};

/** Whether there is no evidence of a file at all, of no kind and from nowhere. */
const areWithout = async (
  sources: readonly EvidenceSource[],
  filename: string,
): Promise<Result<boolean>> => {
  for (const source of sources) {
    for (const name of Object.values(evidenceNames(filename))) {
      const found = await source(name);
      if (!found.ok) return found;
      if (found.value !== undefined) return ok(false);
    }
  }
  return ok(true);
};

/** Whom to expect where only the lock, or nobody, says it. */
const expectedOf = async (
  world: ClosureWorld,
  entry: ClosureEntry,
  { listed }: Candidate,
  sources: readonly [EvidenceSource, ...EvidenceSource[]],
): Promise<Result<Expected | undefined>> => {
  switch (demandedBy(world, entry)) {
    case "policy":
    case "caller":
      return world.expect === undefined
        ? fail("IDENTITY_MISSING", `nobody is expected for ${entry.name}`)
        : ok(world.expect);
    case "lock": {
      const readable = entry.identities.map(expectationOf).filter((one) => one.ok);
      const [first] = entry.identities.map(expectationOf);
      if (readable.length === 0 && first?.ok === false) return first;
      return ok({ kind: "identity", anyOf: readable.map(({ value }) => value) });
    }
    default: {
      const bare = await areWithout(sources, listed.filename);
      if (!bare.ok || bare.value) return bare.ok ? ok(undefined) : bare;
      const offered = await identityOffered(listed.filename, sources[0]);
      return offered.ok ? ok({ kind: "identity", anyOf: [offered.value] }) : offered;
    }
  }
};

const signerOf = (verdict: ReleaseVerdict | undefined): Signer | undefined => {
  const proven = verdict?.proofs.find((proof) => proof.verdict.verified)?.verdict;
  return proven?.verified === true ? proven.signer : undefined;
};

/** Keeps every evidence file that was read, so that the verdict can be made again. */
const keepEvidence = async (
  { store }: ClosureWorld,
  filename: string,
  sources: readonly EvidenceSource[],
): Promise<Result<KeptEvidence[]>> => {
  const kept = new Map<string, KeptEvidence>();
  for (const source of sources) {
    for (const name of Object.values(evidenceNames(filename))) {
      const bytes = await source(name);
      if (!bytes.ok) return bytes;
      if (bytes.value === undefined) continue;
      const sha256 = await store.keepBytes(bytes.value);
      if (!sha256.ok) return sha256;
      kept.set(`${name} ${sha256.value}`, { name, sha256: sha256.value });
    }
  }
  return ok([...kept.values()]);
};

/** What a failure means where the lock says who signed. */
const explain = (entry: ClosureEntry, filename: string, found: Failure): Failure => {
  if (isOutage(found)) return found;
  const stated = entry.identities.map(describeIdentity).join(" or ");
  if (found.code === "EVIDENCE_MISSING" || found.code === "ATTESTATION_EMPTY") {
    const message = `the lock says that ${stated} signs ${entry.name}: ${found.message}`;
    return failure("LOCK_ATTESTATION_LOST", message);
  }
  return found.code.startsWith("IDENTITY_")
    ? failure("LOCK_IDENTITY", `${filename} is not signed by ${stated}: ${found.message}`)
    : found;
};

/** What the lock states holds beside whatever the policy says. */
const checkStated = (entry: ClosureEntry, filename: string, signer: Signer): Result<void> => {
  const { identities } = entry;
  if (identities.length === 0 || identities.some((one) => isStated(one, signer))) {
    return ok(undefined);
  }
  const actual = attestationIdentityOf(signer);
  const by = actual === undefined ? "a key" : describeIdentity(actual);
  const stated = identities.map(describeIdentity).join(" or ");
  return fail("LOCK_IDENTITY", `${filename} is signed by ${by}, and the lock states ${stated}`);
};

const concluded = (
  base: FileVerdict,
  entry: ClosureEntry,
  evidence: readonly KeptEvidence[],
  { verdict, report, failure: found }: Evaluation,
): FileVerdict => {
  const { filename, demanded } = base;
  const signer = signerOf(verdict);
  const identity = signer && attestationIdentityOf(signer);
  const proofs = verdict?.proofs.flatMap((one) => (one.verdict.verified ? [one.kind] : [])) ?? [];
  const judged = {
    ...base,
    proofs,
    evidence,
    ...(verdict === undefined ? {} : { size: verdict.size, release: verdict }),
    ...(signer === undefined ? {} : { signer }),
    ...(identity === undefined ? {} : { identity }),
  };
  if (found !== undefined) {
    return ended(judged, demanded === "lock" ? explain(entry, filename, found) : found);
  }
  const looked = report === undefined ? { uninspected: true as const } : {};
  if (verdict === undefined) return { ...judged, ...looked, outcome: "unattested" };
  if (verdict.pinned === true) return { ...judged, ...looked, outcome: "pinned" };
  if (signer === undefined) {
    return ended(judged, failure("EVIDENCE_MISSING", `nothing vouches for ${filename}`));
  }
  const stated = checkStated(entry, filename, signer);
  if (!stated.ok) return ended(judged, stated.error);
  return { ...judged, outcome: demanded === "nobody" ? "signed" : "verified" };
};

const ended = (base: FileVerdict, error: Failure): FileVerdict => ({
  ...base,
  outcome: isOutage(error) ? "unavailable" : "refused",
  failure: error,
});

/** Keeps a file that may be used. */
const keep = async (
  world: ClosureWorld,
  path: string,
  verdict: FileVerdict,
): Promise<FileVerdict> => {
  if (verdict.failure !== undefined) return verdict;
  const size = await keepFile(world, path, verdict.sha256);
  return size.ok ? { ...verdict, size: size.value } : ended(verdict, size.error);
};

/** Fetches one file of a lock and judges it. */
export const examineFile = async (
  world: ClosureWorld,
  entry: ClosureEntry,
  { filename, sha256, found }: Located,
): Promise<FileVerdict> => {
  const { name, version } = entry;
  const base: FileVerdict = {
    ...{ name, version, filename, sha256 },
    ...{ outcome: "refused", demanded: demandedBy(world, entry), proofs: [], evidence: [] },
  };
  if (!found.ok) return ended(base, found.error);
  const upstream = world.upstreams.ownerOf(name);
  if (!upstream.ok) return ended(base, upstream.error);
  const listed = found.value;
  const known = {
    ...{ ...base, url: listed.url, upstream: upstream.value.config.name },
    ...(listed.yanked === undefined ? {} : { yanked: listed.yanked }),
  };
  const quarantine = await world.store.quarantine();
  if (!quarantine.ok) return ended(known, quarantine.error);
  try {
    const path = quarantine.value.path(filename);
    const brought = await bringFile(world, upstream.value, listed, path);
    if (!brought.ok) return ended(known, brought.error);
    const candidate = { project: name, version, upstream: upstream.value, listed, path };
    const { trust, files, now } = world;
    const expect: Rules["expect"] = (one, sources) => expectedOf(world, entry, one, sources);
    const evaluation = await evaluateFile({ expect, trust, files, now }, candidate);
    const evidence = await keepEvidence(world, filename, evaluation.sources);
    if (!evidence.ok) return ended(known, evidence.error);
    return await keep(world, path, concluded(known, entry, evidence.value, evaluation));
  } finally {
    await quarantine.value.clear();
  }
};
