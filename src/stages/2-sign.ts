import pLimit, { type LimitFunction } from "p-limit";
import type { Files } from "../clients/files.ts";
import type { Fulcio } from "../clients/fulcio.ts";
import type { IdentitySource } from "../clients/identity.ts";
import type { Rekor } from "../clients/rekor.ts";
import type { TimestampAuthority } from "../clients/tsa.ts";
import { BUILD_RECORD_NAME, type BuildRecord, parseBuildRecord } from "../formats/build-record.ts";
import { hex } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Expectation } from "../verification/verdict.ts";
import { isDistribution } from "./3-verify.ts";
import type { Report } from "./events.ts";
import type { NamedArtifact } from "./release.ts";
import { signOne } from "./sign-one.ts";
import {
  expectedBy,
  type SigningCertificates,
  signingCertificates,
} from "./signing-certificate.ts";

export type SignInput = {
  /** The folder of the distributions; what is made is written beside them. */
  readonly folder: string;
  /** Sign what has no build record; no provenance is made then. */
  readonly withoutRecord?: boolean;
  /** Sign again what is signed and verifies already. */
  readonly force?: boolean;
  /** A key and certificate for each file, not one for the batch. */
  readonly certificatePerFile?: boolean;
  /** Log uploads at one time; 8 where absent. */
  readonly concurrency?: number;
  /** The CI job's name, for the provenance. */
  readonly jobName?: string;
  /** Whom the signatures must verify as; whom the id_token names where absent. */
  readonly expect?: Expectation;
  readonly trust: TrustedRoot;
};

export type SignClients = {
  readonly identity: IdentitySource;
  readonly fulcio: Fulcio;
  readonly rekor: Rekor;
  /**
   * Logs the bundles, where it is not `rekor` that does: a Rekor v2 log. Attestations stay with
   * `rekor`, since PEP 740 has no place for the timestamp that a v2 entry needs. Needs `tsa`.
   */
  readonly bundleRekor?: Rekor;
  readonly tsa?: TimestampAuthority;
  readonly files: Files;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: Report;
};

export type SignedDistribution = {
  readonly filename: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  /** Names of the evidence files beside it. */
  readonly evidence: readonly string[];
  /** Whether it was signed before, and that was kept. */
  readonly kept: boolean;
};

/** The build record, and its digest in lower-case hexadecimal. */
export type GivenRecord = { readonly record: BuildRecord; readonly sha256: string };

/** What signing one distribution needs from the batch. */
export type Batch = {
  readonly input: SignInput;
  readonly clients: SignClients;
  readonly record: GivenRecord | undefined;
  readonly certificates: SigningCertificates;
  /** Whom signatures that are there already must verify as. */
  readonly expectKept: Expectation | undefined;
};

/**
 * Stage 2: signs every distribution that the build record lists, and writes its evidence beside
 * it. All of it is verified, as a consumer would, before any of it is written.
 *
 * May be repeated: what is signed and verifies is kept, and a set that a killed run left
 * incomplete is made anew.
 *
 * Fails with DIST_EMPTY, DIST_CHANGED, BUILD_RECORD, SIGN_SOURCE, SIGN_SELF_CHECK, the TOKEN_,
 * FULCIO_, REKOR_ and TSA_ codes, NETWORK_UNREACHABLE and the FILE_ codes.
 */
export const sign = async (
  input: SignInput,
  clients: SignClients,
): Promise<Result<SignedDistribution[]>> => {
  const { report, now } = clients;
  report({ kind: "started", stage: "sign", at: now() });
  const result = await signFolder(input, clients);
  if (result.ok) {
    const kept = result.value.filter((signed) => signed.kept).length;
    const summary = `${result.value.length - kept} signed, ${kept} kept`;
    report({ kind: "finished", stage: "sign", at: now(), summary });
  } else {
    report({ kind: "failed", stage: "sign", at: now(), failure: result.error });
  }
  return result;
};

const signFolder = async (
  input: SignInput,
  clients: SignClients,
): Promise<Result<SignedDistribution[]>> => {
  const record = await readRecord(input, clients.files);
  if (!record.ok) return record;
  const artifacts = await listArtifacts(input, clients.files, record.value?.record);
  if (!artifacts.ok) return artifacts;
  const expectKept = await expectationOfKept(input, clients.identity);
  if (!expectKept.ok) return expectKept;
  const { identity, fulcio, now } = clients;
  const { jobName } = input;
  const certificates = signingCertificates({
    identity,
    fulcio,
    now,
    oneEach: input.certificatePerFile === true,
    ...(jobName === undefined ? {} : { jobName }),
  });
  const upload = pLimit(input.concurrency ?? 8);
  const { bundleRekor } = clients;
  if (bundleRekor !== undefined && clients.tsa === undefined) {
    return fail("CONFIG", "a Rekor v2 log states no time: name a timestamp authority too");
  }
  const limited = {
    ...clients,
    rekor: limitedRekor(clients.rekor, upload),
    ...(bundleRekor === undefined ? {} : { bundleRekor: limitedRekor(bundleRekor, upload) }),
  };
  const batch = { input, clients: limited, record: record.value, certificates };
  return signAll({ ...batch, expectKept: expectKept.value }, artifacts.value);
};

/** Enough files at one time to keep the uploads busy, few enough to leave the disk in peace. */
const FILES_AT_ONCE = 4;

/** After the first failure no other file is begun. */
const signAll = async (
  batch: Batch,
  artifacts: readonly NamedArtifact[],
): Promise<Result<SignedDistribution[]>> => {
  const limit = pLimit(FILES_AT_ONCE);
  let failed: Result<never> | undefined;
  const signed = await limit.map(artifacts, async (artifact) => {
    if (failed !== undefined) return failed;
    const result = await signOne(batch, artifact);
    if (!result.ok) failed ??= result;
    return result;
  });
  return failed ?? all(signed);
};

const limitedRekor = (rekor: Rekor, limit: LimitFunction): Rekor => ({
  ...rekor,
  create: (entry) => limit(() => rekor.create(entry)),
});

const MAX_RECORD_BYTES = 16 * 1024 * 1024;

const readRecord = async (
  { folder, withoutRecord }: SignInput,
  files: Files,
): Promise<Result<GivenRecord | undefined>> => {
  const path = `${folder}/${BUILD_RECORD_NAME}`;
  const bytes = await files.readIfPresent(path, MAX_RECORD_BYTES);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) {
    return withoutRecord === true ? ok(undefined) : fail("BUILD_RECORD", `there is no ${path}`);
  }
  const record = parseBuildRecord(bytes.value);
  const artifact = await files.artifact(path);
  if (!record.ok) return record;
  return artifact.ok ? ok({ record: record.value, sha256: hex(artifact.value.sha256) }) : artifact;
};

/** The distributions of the folder, which are those of the record, byte for byte. */
const listArtifacts = async (
  { folder }: SignInput,
  files: Files,
  record: BuildRecord | undefined,
): Promise<Result<NamedArtifact[]>> => {
  const names = await files.list(folder);
  if (!names.ok) return names;
  const present = names.value.filter(isDistribution);
  if (present.length === 0) return fail("DIST_EMPTY", `${folder} holds no wheel and no sdist`);
  const missing = record?.distributions.find(({ filename }) => !present.includes(filename));
  if (missing !== undefined) {
    return fail("DIST_CHANGED", `${missing.filename} is in the build record, not in ${folder}`);
  }
  const artifacts: NamedArtifact[] = [];
  for (const name of present) {
    const artifact = await files.artifact(`${folder}/${name}`);
    if (!artifact.ok) return artifact;
    const built = record?.distributions.find(({ filename }) => filename === name);
    const same = record === undefined || built?.sha256 === hex(artifact.value.sha256);
    if (!same) return fail("DIST_CHANGED", `${name} is not the file of the build record`);
    artifacts.push(artifact.value);
  }
  return ok(artifacts);
};

/** Without an expectation of the caller, only what this job's identity signed is kept. */
const expectationOfKept = async (
  { expect, force }: SignInput,
  identity: IdentitySource,
): Promise<Result<Expectation | undefined>> => {
  if (force === true) return ok(undefined);
  if (expect !== undefined) return ok(expect);
  const token = await identity.token();
  if (!token.ok) return token;
  return ok(token.value.san === undefined ? undefined : expectedBy(token.value, token.value.san));
};
