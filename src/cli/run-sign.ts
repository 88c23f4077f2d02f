import { fulcioAt } from "../clients/fulcio.ts";
import {
  type IdentitySource,
  identityFromLocalStack,
  identityFromVariables,
  SIGSTORE_AUDIENCE,
} from "../clients/identity.ts";
import { rekorAt } from "../clients/rekor.ts";
import { rekorV2At } from "../clients/rekor-v2.ts";
import { timestampAuthorityAt } from "../clients/tsa.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type SignClients, type SignedDistribution, sign } from "../stages/2-sign.ts";
import { signFiles } from "../stages/sign-files.ts";
import type { Expectation } from "../verification/verdict.ts";
import type { Run } from "./run-stages.ts";
import type { Session } from "./session.ts";

/** The variable that GitLab's `id_tokens` fills by convention. */
const TOKEN_VARIABLES = ["SIGSTORE_ID_TOKEN"] as const;

/**
 * This job's identity: the id_token that GitLab put into the environment, or in the local profile
 * a token of the local issuer for the commit that was built.
 */
const identityOf = (run: Run, record: BuildRecord | undefined): IdentitySource => {
  const { outside } = run.invocation;
  const demand = { audience: SIGSTORE_AUDIENCE, now: outside.now };
  const { stack, settings } = run.session;
  if (stack === undefined) return identityFromVariables(settings.env, TOKEN_VARIABLES, demand);
  const { commit } = record?.source ?? {};
  const sha = commit?.length === 40 ? { sha: commit } : {};
  const job = {
    project_path: stack.project.path,
    ref: "main",
    ref_type: "branch",
    ...sha,
  } as const;
  const issuer = { url: stack.urls.gitlab, secret: stack.tokenSecret, job };
  return identityFromLocalStack(issuer, demand, outside);
};

/** The clients that sign, by the services of the settings, or of the trust in use. */
export const signClients = (run: Run, record: BuildRecord | undefined): Result<SignClients> => {
  const { invocation, session, report } = run;
  const { settings, trust } = session;
  const { outside, files } = invocation;
  const fulcioUrl = settings.text("fulcio-url") ?? trust.fulcioUrl;
  const rekorUrl = settings.text("rekor-url") ?? trust.rekorUrl;
  const rekorV2Url = settings.text("rekor-v2-url");
  const tsaUrl = settings.text("tsa-url") ?? trust.tsaUrl;
  if (fulcioUrl === undefined)
    return fail("CONFIG", "no certificate authority is known: give --fulcio-url");
  if (rekorUrl === undefined)
    return fail("CONFIG", "no transparency log is known: give --rekor-url");
  return ok({
    identity: identityOf(run, record),
    fulcio: fulcioAt(fulcioUrl, outside),
    rekor: rekorAt(rekorUrl, outside),
    ...(rekorV2Url === undefined ? {} : { bundleRekor: rekorV2At(rekorV2Url, outside) }),
    ...(tsaUrl === undefined ? {} : { tsa: timestampAuthorityAt(tsaUrl, outside) }),
    files,
    now: outside.now,
    report,
  });
};

/** Whom the signatures must verify as: the one who was named, else whom the id_token names. */
const expectedSigner = ({ expect }: Session): { expect?: Expectation } => {
  if (expect.kind === "policy") return {};
  return expect.kind === "identity" && expect.anyOf.length === 0 ? {} : { expect };
};

/** Signs the folder's distributions. */
export const runSign = async (
  run: Run,
  folder: string,
  record: BuildRecord | undefined,
): Promise<Result<SignedDistribution[]>> => {
  const { invocation, session } = run;
  const { settings, trust } = session;
  const clients = signClients(run, record);
  if (!clients.ok) return clients;
  const jobName = settings.env.CI_JOB_NAME;
  return sign(
    {
      folder,
      trust: trust.root,
      // A policy says whom consumers expect; what this job signs must verify as this job.
      ...expectedSigner(session),
      force: settings.on("force"),
      certificatePerFile: settings.on("certificate-per-file"),
      withoutRecord: invocation.flags["without-record"] === true,
      ...(jobName === undefined ? {} : { jobName }),
    },
    clients.value,
  );
};

/** Signs files of any kind, each by itself. */
export const runSignFiles = async (
  run: Run,
  paths: readonly string[],
): Promise<Result<SignedDistribution[]>> => {
  const { session } = run;
  const clients = signClients(run, undefined);
  if (!clients.ok) return clients;
  const input = { paths, trust: session.trust.root, ...expectedSigner(session) };
  return signFiles(input, clients.value);
};
