import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { rekorAt } from "../clients/rekor.ts";
import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import type { Artifact } from "../formats/artifact.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { fromHex, fromUtf8, utf8 } from "../formats/bytes.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { parsePem } from "../formats/pem.ts";
import { fail, failure, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { type FolderVerdict, verifyFile, verifyFolder } from "../stages/3-verify.ts";
import type { StageEvent } from "../stages/events.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import { parseShard, type Shard, type ShardNote } from "../stages/shard.ts";
import { type GivenEvidence, verifySingle } from "../stages/single.ts";
import { buildLevels } from "../stages/summary.ts";
import { demandOf, type Expected } from "../verification/policy.ts";
import type { Verdict } from "../verification/verdict.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { expectedFor } from "./expectation.ts";
import { pinnedRecord } from "./pinned-record.ts";
import {
  junitDocument,
  releaseDocument,
  shardLine,
  showLevels,
  showRelease,
} from "./render-release.ts";
import { showVerdicts, verdictsDocument } from "./render-verdict.ts";
import { runSummary } from "./run-summary.ts";
import { inSession, openSession, type Session } from "./session.ts";
import { readSettings, type Settings } from "./settings.ts";
import { type Trust, trustOf } from "./trust.ts";
import { type Ended, reportOf, writeReport } from "./write-report.ts";

const EVIDENCE_FLAGS = ["bundle", "signature", "certificate", "attestation", "key"];

/** `wheelseal verify [DIST|FILE…]` */
export const verifyCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const given = EVIDENCE_FLAGS.some((flag) => flags[flag] !== undefined);
  return given
    ? verifyGiven(invocation, settings.value)
    : verifyReleases(invocation, settings.value);
};

/** Whom to trust and to expect; the session where a summary is to be signed. */
type Against = { readonly trust: Trust; readonly expect: Expected; readonly session?: Session };

/** Folders and files with their evidence beside them; no service is needed but for a summary. */
const verifyReleases = async (invocation: Invocation, settings: Settings): Promise<number> => {
  if (invocation.flags.summary !== undefined) {
    const session = await openSession(invocation, settings, "gitlab");
    if (!session.ok) return refuse(invocation, session.error);
    const { trust, expect } = session.value;
    const against = { trust, expect, session: session.value };
    return inSession(session.value, () =>
      verifyAgainst(invocation, session.value.settings, against),
    );
  }
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return refuse(invocation, trust.error);
  const expect = await expectedFor(invocation, settings, trust.value);
  if (!expect.ok) return refuse(invocation, expect.error);
  return verifyAgainst(invocation, settings, { trust: trust.value, expect: expect.value });
};

const verifyAgainst = async (
  invocation: Invocation,
  settings: Settings,
  against: Against,
): Promise<number> => {
  const { operands, terminal } = invocation;
  const part = shardOf(invocation, settings);
  if (!part.ok) return refuse(invocation, part.error);
  const verdicts: ReleaseVerdict[] = [];
  let built: BuildRecord | undefined;
  let shard: ShardNote | undefined;
  const events: StageEvent[] = [];
  for (const operand of operands.length === 0 ? ["dist"] : operands) {
    const path = resolve(terminal.cwd, operand);
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    const record = isFile ? ok(undefined) : await pinnedRecord(invocation, settings, path);
    if (!record.ok) return refuse(invocation, record.error);
    built ??= record.value?.record;
    const what = isFile ? "file" : part.value;
    const verdict = await verifyPath(invocation, against, { path, what, events });
    if (!verdict.ok) return refuse(invocation, verdict.error);
    verdicts.push(...verdict.value.verdicts);
    shard = verdict.value.shard;
  }
  if (part.value !== undefined && shard === undefined) {
    return refuse(invocation, failure("USAGE", "--shard is for a folder"));
  }
  const { session } = against;
  if (session !== undefined) {
    const run = { invocation, session, report: () => undefined };
    const signed = await runSummary(run, verdicts, built);
    if (!signed.ok) return refuse(invocation, signed.error);
  }
  const reported = await leaveReport(invocation, against, { events, verdicts, record: built });
  if (!reported.ok) return refuse(invocation, reported.error);
  return conclude(invocation, verdicts, shard);
};

/** The report of --report, where it is asked for: whether the files verified or not. */
const leaveReport = async (
  invocation: Invocation,
  against: Against,
  ended: Pick<Ended, "events" | "verdicts" | "record">,
): Promise<Result<void>> => {
  const { flags, terminal } = invocation;
  if (typeof flags.report !== "string") return ok(undefined);
  const failed = ended.verdicts.find((verdict) => verdict.failure !== undefined)?.failure;
  const report = reportOf(invocation, against, { ...ended, failure: failed, imported: [] });
  const written = await writeReport(invocation, report, resolve(terminal.cwd, flags.report));
  return written.ok ? ok(undefined) : written;
};

/** The part that --shard asks for: I/N, or auto for this job's of CI_NODE_TOTAL. */
const shardOf = (invocation: Invocation, { env }: Settings): Result<Shard | undefined> => {
  const { shard } = invocation.flags;
  if (typeof shard !== "string") return ok(undefined);
  if (invocation.operands.length > 1) return fail("USAGE", "--shard is for one folder");
  if (shard !== "auto") return parseShard(shard);
  // GitLab sets CI_NODE_TOTAL to 1 and no CI_NODE_INDEX where a job is not parallel.
  return parseShard(`${env.CI_NODE_INDEX || "1"}/${env.CI_NODE_TOTAL || "1"}`);
};

const verifyPath = (
  { files, outside }: Invocation,
  { trust, expect }: Against,
  { path, what, events }: { path: string; what: "file" | Shard | undefined; events: StageEvent[] },
): Promise<Result<FolderVerdict>> => {
  const input = {
    expect,
    trust: trust.root,
    files,
    inspect: inspectDistribution,
    now: outside.now,
    report: (event: StageEvent) => {
      events.push(event);
    },
  };
  if (what === "file") return verifyFile(path, input);
  return verifyFolder({ ...input, folder: path, ...(what === undefined ? {} : { shard: what }) });
};

const conclude = async (
  invocation: Invocation,
  verdicts: readonly ReleaseVerdict[],
  shard: ShardNote | undefined,
): Promise<number> => {
  const { terminal, files, flags } = invocation;
  const { junit, summary } = flags;
  const failed = verdicts.find((verdict) => verdict.failure !== undefined)?.failure;
  if (typeof junit === "string") {
    const written = await files.write(resolve(terminal.cwd, junit), utf8(junitDocument(verdicts)));
    if (!written.ok) return refuse(invocation, written.error);
  }
  const levels = summary === undefined ? undefined : buildLevels(verdicts);
  if (flags.json === true) terminal.out(releaseDocument(verdicts, failed, levels, shard));
  else {
    for (const verdict of verdicts) showRelease(terminal, verdict);
    if (shard !== undefined) terminal.out(shardLine(shard, verdicts.length));
    if (levels !== undefined) showLevels(terminal, levels);
  }
  return failed === undefined ? 0 : refuse({ ...invocation, flags: {} }, failed);
};

/** One file, or `sha256:HEX`, with evidence that was named. */
const verifyGiven = async (invocation: Invocation, settings: Settings): Promise<number> => {
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
    ...(typeof predicateType === "string" ? { predicateTypes: [predicateType] } : {}),
    trust: trust.value.root satisfies TrustedRoot,
    now: outside.now(),
    ...(online ? { rekor: rekorAt(url, outside) } : {}),
  });
};

const givenExpectation = async (
  invocation: Invocation,
  settings: Settings,
  trust: Trust,
): Promise<Result<Expected>> => {
  if (invocation.flags.key === undefined) return expectedFor(invocation, settings, trust);
  const bytes = await readFlag(invocation, "key");
  if (!bytes.ok) return bytes;
  const key = readKey(bytes.value ?? new Uint8Array());
  return key.ok ? ok({ kind: "key", key: key.value }) : key;
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
