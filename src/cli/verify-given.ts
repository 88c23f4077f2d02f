import { basename, resolve } from "node:path";
import type { Outside } from "../clients/outside.ts";
import type { Rekor } from "../clients/rekor.ts";
import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import type { Artifact } from "../formats/artifact.ts";
import { fromHex, fromUtf8 } from "../formats/bytes.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { type GivenEvidence, verifySingle } from "../stages/single.ts";
import { demandOf, type Expected } from "../verification/policy.ts";
import type { Verdict } from "../verification/verdict.ts";
import { type Invocation, refuse } from "./command.ts";
import { expectedFor, withWitnesses } from "./expectation.ts";
import { showVerdicts, verdictsDocument } from "./render-verdict.ts";
import type { Settings } from "./settings.ts";
import { type Trust, trustOf } from "./trust.ts";

/** One file, or `sha256:HEX`, with evidence that was named. */
export const verifyGiven = async (invocation: Invocation, settings: Settings): Promise<number> => {
  const { terminal, flags } = invocation;
  const verdicts = await judgeGiven(invocation, settings);
  if (!verdicts.ok) return refuse(invocation, verdicts.error);
  const failed = verdicts.value.find((verdict) => !verdict.verified);
  const error = failed?.verified === false ? failed.failure : undefined;
  if (flags.json === true) terminal.out(verdictsDocument(verdicts.value, error));
  else showVerdicts(terminal, verdicts.value);
  return error === undefined ? 0 : refuse({ ...invocation, flags: {} }, error);
};

const judgeGiven = async (
  invocation: Invocation,
  settings: Settings,
): Promise<Result<Verdict[]>> => {
  const { operands, outside, flags } = invocation;
  const predicateType = flags["predicate-type"];
  const [operand, ...more] = operands;
  if (operand === undefined || more.length > 0) {
    return fail("USAGE", "evidence was named, so exactly one file must be");
  }
  if (flags.summary !== undefined) {
    return fail("USAGE", "a summary is made of a release with its evidence beside it");
  }
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return trust;
  const expected = await givenExpectation(invocation, settings, trust.value);
  if (!expected.ok) return expected;
  const demand = demandOf(expected.value, basename(operand));
  if (!demand.ok) return demand;
  const evidence = await givenEvidence(invocation);
  if (!evidence.ok) return evidence;
  const artifact = await artifactOf(invocation, operand);
  if (!artifact.ok) return artifact;
  const url = settings.text("rekor-url") ?? trust.value.rekorUrl;
  const online = !settings.on("offline") && url !== undefined;
  return verifySingle({
    artifact: artifact.value,
    evidence: evidence.value,
    expect: demand.value.expect,
    tlogThreshold: demand.value.tlogThreshold,
    ...(demand.value.witnesses && { witnesses: demand.value.witnesses }),
    ...(typeof predicateType === "string" ? { predicateTypes: [predicateType] } : {}),
    trust: trust.value.root satisfies TrustedRoot,
    now: outside.now(),
    ...(online ? { rekor: await rekorOf(url, outside) } : {}),
  });
};

/** Most evidence needs no log to be asked. */
const rekorOf = async (url: string, outside: Outside): Promise<Rekor> =>
  (await import("../clients/rekor.ts")).rekorAt(url, outside);

const givenExpectation = async (
  invocation: Invocation,
  settings: Settings,
  trust: Trust,
): Promise<Result<Expected>> => {
  if (invocation.flags.key === undefined) return expectedFor(invocation, settings, trust);
  const bytes = await readFlag(invocation, "key");
  if (!bytes.ok) return bytes;
  const key = readKey(bytes.value ?? new Uint8Array());
  return key.ok ? withWitnesses({ kind: "key", key: key.value }, settings) : key;
};

const readKey = (bytes: Uint8Array): Result<PublicKey> => {
  const text = fromUtf8(bytes);
  const blocks = text.ok ? parsePem(text.value, "PUBLIC KEY") : text;
  const spki = blocks.ok && blocks.value.length === 1 ? blocks.value[0] : undefined;
  const key = spki === undefined ? undefined : importPublicKey(spki);
  return key === undefined ? fail("KEY_FORMAT", "--key is not one PEM public key") : ok(key);
};

const givenEvidence = async (invocation: Invocation): Promise<Result<GivenEvidence>> => {
  const { flags } = invocation;
  const ways = ["bundle", "signature", "attestation"].filter((flag) => flags[flag] !== undefined);
  const [way, ...more] = ways;
  if (way === undefined || more.length > 0) {
    return fail("USAGE", "name one of --bundle, --signature and --attestation");
  }
  const bytes = await readFlag(invocation, way);
  if (!bytes.ok) return bytes;
  const given = bytes.value ?? new Uint8Array();
  if (way === "bundle" || way === "attestation") return ok({ kind: way, bytes: given });
  const certificate = await readFlag(invocation, "certificate");
  if (!certificate.ok) return certificate;
  return ok({ kind: "detached", signature: given, certificate: certificate.value });
};

const readFlag = async (
  { flags, files, terminal }: Invocation,
  flag: string,
): Promise<Result<Uint8Array | undefined>> => {
  const path = flags[flag];
  if (typeof path !== "string") return ok(undefined);
  return files.read(resolve(terminal.cwd, path), MAX_EVIDENCE_BYTES);
};

const artifactOf = async (
  { files, terminal }: Invocation,
  operand: string,
): Promise<Result<Artifact>> => {
  if (!operand.startsWith("sha256:")) return files.artifact(resolve(terminal.cwd, operand));
  const digest = fromHex(operand.slice("sha256:".length));
  if (!digest.ok || digest.value.length !== 32) {
    return fail("USAGE", "sha256: must be followed by 64 hexadecimal digits");
  }
  return ok({ sha256: digest.value as Artifact["sha256"] });
};
