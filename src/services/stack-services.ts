import { join } from "node:path";
import type { PrivateKey } from "../crypto/keys.ts";
import type { RandomBytes } from "../crypto/random.ts";
import { ok, type Result } from "../formats/result.ts";
import type { Authorities } from "./authorities.ts";
import { certificateAuthority } from "./ca.ts";
import { type CtLog, ctLog } from "./ctlog.ts";
import { type Issuer, issuer } from "./issuer.ts";
import { type RegistryService, registryService } from "./registry.ts";
import type { RegistryProject } from "./registry-access.ts";
import { type LogService, rekorService } from "./rekor.ts";
import { rekorV2Service } from "./rekor-v2.ts";
import { stackRoutes } from "./stack-routes.ts";
import type { StackStores } from "./stack-view.ts";
import type { State } from "./state.ts";
import { type StackTrust, type StackUrls, tufTargets } from "./trust-config.ts";
import { timestampAuthority } from "./tsa.ts";
import { tufService } from "./tuf.ts";
import { openTufRepository, type TufRepository } from "./tuf-repository.ts";

/** What was opened so far, so that a start that fails leaves nothing behind. */
export type Opened = { close(): Promise<void> | void }[];

/** Keys and secrets that outlive a restart. */
export type Kept = {
  readonly authorities: Authorities;
  readonly rekorKey: PrivateKey;
  readonly rekorV2Key: PrivateKey;
  readonly ctlogKey: PrivateKey;
  readonly issuerKey: PrivateKey;
  readonly tokenSecret: string;
  readonly jobToken: string;
};

export type Outside = { readonly now: () => number; readonly random: RandomBytes };

/** What the services are made of. */
export type StackContext = Kept &
  Outside & {
    readonly state: State;
    readonly urls: StackUrls;
    readonly projects: readonly RegistryProject[];
    /** Whether the TUF repository gets new keys at this start. */
    readonly rotateTrust: boolean;
  };

export type OpenedServices = {
  readonly routes: ReturnType<typeof stackRoutes>;
  mintToken: Issuer["mintToken"];
  /** The first root of the TUF repository, which clients are given out of band. */
  readonly tufRoot: Uint8Array;
  /** What the console reads. */
  readonly stores: StackStores;
};

/** Opens all services; each that must be closed is put into `opened` as soon as it is there. */
export const openServices = async (
  context: StackContext,
  opened: Opened,
): Promise<Result<OpenedServices>> => {
  const gitlab = await openIssuer(context);
  const ctlog = await openCtLog(context);
  if (!ctlog.ok) return ctlog;
  opened.push(ctlog.value);
  const rekor = await openRekor(context);
  if (!rekor.ok) return rekor;
  opened.push(rekor.value);
  const rekorV2 = await openRekorV2(context);
  if (!rekorV2.ok) return rekorV2;
  opened.push(rekorV2.value);
  const registry = openRegistry(context);
  opened.push(registry);
  const tuf = await openTuf(context);
  if (!tuf.ok) return tuf;
  opened.push(keepRenewing(tuf.value));
  const { now, random, authorities } = context;
  const tsa = timestampAuthority({
    signer: authorities.tsa,
    chain: authorities.tsaChain.map(({ der }) => der),
    now,
    random,
  });
  const routes = stackRoutes({
    issuer: gitlab,
    ca: openCa(context, gitlab, ctlog.value),
    ctlog: ctlog.value,
    rekor: rekor.value,
    rekorV2: rekorV2.value,
    tsa: { fetch: async (request) => tsa.fetch(request) },
    registry,
    tuf: tufService(tuf.value),
  });
  const trees = { rekor: rekor.value.store, rekorV2: rekorV2.value.store };
  const stores = { ...trees, registry: registry.store };
  return ok({ routes, mintToken: gitlab.mintToken, tufRoot: tuf.value.firstRoot, stores });
};

const openIssuer = ({ urls, issuerKey, tokenSecret, projects, now, random }: StackContext) =>
  issuer({
    url: urls.gitlab,
    keys: [issuerKey],
    secret: tokenSecret,
    projectIds: new Map(projects.map(({ path, id }) => [path, id])),
    now,
    random,
  });

const openCa = ({ authorities, urls, now, random }: StackContext, gitlab: Issuer, ctlog: CtLog) =>
  certificateAuthority({
    issuer: authorities.ca,
    chain: authorities.caChain.map(({ der }) => der),
    trustedIssuers: [
      {
        url: urls.gitlab,
        gitlabUrl: urls.gitlab,
        audience: "sigstore",
        // The same process is the issuer: no request to ourselves, and no answer to believe.
        keySet: async () => ok(gitlab.keySet),
      },
    ],
    submit: async (entry) => {
      const sct = await ctlog.addPrecertificate(entry);
      return sct.ok ? ok(sct.value.bytes) : sct;
    },
    now,
    random,
  });

/** Names the logs in their checkpoints: without the port, which may change. */
export const REKOR_HOST = "127.0.0.1";
export const CTLOG_HOST = `${REKOR_HOST}/ctlog`;

const openCtLog = ({ state, ctlogKey, authorities, now }: StackContext): Promise<Result<CtLog>> =>
  ctLog({
    path: join(state.folder, "ctlog.db"),
    key: ctlogKey,
    hostname: CTLOG_HOST,
    now,
    roots: authorities.caChain.slice(-1).map(({ der }) => der),
  });

/** Its checkpoints carry the same host: they are told from Rekor v1's by the key. */
const openRekorV2 = ({ state, rekorV2Key, now }: StackContext): Promise<Result<LogService>> =>
  rekorV2Service({
    path: join(state.folder, "rekor-v2.db"),
    key: rekorV2Key,
    hostname: REKOR_HOST,
    now,
  });

const openRekor = ({ state, rekorKey, now }: StackContext): Promise<Result<LogService>> =>
  rekorService({
    path: join(state.folder, "rekor.db"),
    key: rekorKey,
    hostname: REKOR_HOST,
    now,
  });

const openRegistry = ({ state, urls, projects, jobToken, now }: StackContext): RegistryService =>
  registryService({
    folder: join(state.folder, "registry"),
    baseUrl: urls.gitlab,
    projects,
    credentials: [
      {
        kind: "job-token",
        secret: jobToken,
        projects: projects.map(({ id }) => id),
        rights: "write",
        // PEP 740 asks whom an index believes to have published; here there is only one.
        publisher: {
          kind: "GitLab",
          repository: projects[0]?.path ?? "",
          workflow_filepath: ".gitlab-ci.yml",
          environment: null,
        },
      },
    ],
    now,
  });

/** What a verifier is told about this stack. */
export const trustIn = (context: StackContext): StackTrust => ({
  urls: context.urls,
  rekorKey: context.rekorKey.publicKey,
  rekorV2: { key: context.rekorV2Key.publicKey, origin: REKOR_HOST },
  ctlogKey: context.ctlogKey.publicKey,
  caChain: context.authorities.caChain,
  tsaChain: context.authorities.tsaChain,
});

const openTuf = async (context: StackContext): Promise<Result<TufRepository>> => {
  const { state, now, rotateTrust } = context;
  const opened = await openTufRepository({ state, now, targets: tufTargets(trustIn(context)) });
  if (!opened.ok || !rotateTrust) return opened;
  const rotated = await opened.value.rotate();
  return rotated.ok ? opened : rotated;
};

const RENEWAL = 24 * 3600_000;

/** A stack that runs for months must not serve what has ended. */
const keepRenewing = (repository: TufRepository): { close(): void } => {
  const timer = setInterval(() => void repository.renew(), RENEWAL).unref();
  return { close: () => clearInterval(timer) };
};
