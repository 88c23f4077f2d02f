import { join } from "node:path";
import { ok, type Result } from "../formats/result.ts";
import { certificateAuthority } from "./ca.ts";
import { type CtLog, ctLog } from "./ctlog.ts";
import { type Issuer, issuer } from "./issuer.ts";
import { type RegistryService, registryService } from "./registry.ts";
import type { RegistryProject } from "./registry-access.ts";
import { type LogService, rekorService } from "./rekor.ts";
import { rekorV2Service } from "./rekor-v2.ts";
import { wholeLine } from "./rotations.ts";
import type { Kept, NamedKey, Outside } from "./stack-keys.ts";
import { type Service, stackRoutes } from "./stack-routes.ts";
import type { StackStores } from "./stack-view.ts";
import type { State } from "./state.ts";
import { type StackTrust, type StackUrls, tufTargets } from "./trust-config.ts";
import { timestampAuthority } from "./tsa.ts";
import { tufService } from "./tuf.ts";
import { openTufRepository, type TufRepository } from "./tuf-repository.ts";

/** What was opened so far, so that a start that fails leaves nothing behind. */
export type Opened = { close(): Promise<void> | void }[];

/** The clock of each service, milliseconds since 1970. */
export type Clocks = Readonly<
  Record<"issuer" | "ca" | "ctlog" | "rekor" | "tsa" | "tuf" | "registry", () => number>
>;

export const clocksBy = (now: () => number): Clocks => ({
  ...{ issuer: now, ca: now, ctlog: now, rekor: now },
  ...{ tsa: now, tuf: now, registry: now },
});

/** What the services are made of. */
export type StackContext = Kept &
  Outside & {
    readonly state: State;
    readonly urls: StackUrls;
    readonly projects: readonly RegistryProject[];
    readonly clocks: Clocks;
    /** Whether the TUF repository gets new keys at this start. */
    readonly rotateTuf: boolean;
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
  const ctlog = await openCtLog(context, context.ctlog.current);
  if (!ctlog.ok) return ctlog;
  opened.push(ctlog.value);
  const rekor = await openRekor(context);
  if (!rekor.ok) return rekor;
  opened.push(rekor.value);
  const rekorV2 = await openRekorV2(context, context.rekorV2.current);
  if (!rekorV2.ok) return rekorV2;
  opened.push(rekorV2.value);
  const closed = await openClosed(context, opened);
  if (!closed.ok) return closed;
  const registry = openRegistry(context);
  opened.push(registry);
  const tuf = await openTuf(context);
  if (!tuf.ok) return tuf;
  opened.push(keepRenewing(tuf.value));
  const { clocks, random } = context;
  const { signer, chain } = context.tsa.current;
  const tsa = timestampAuthority({
    signer,
    chain: chain.map(({ der }) => der),
    now: clocks.tsa,
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
    closed: closed.value,
  });
  const trees = { rekor: rekor.value.store, rekorV2: rekorV2.value.store };
  const stores = { ...trees, registry: registry.store };
  return ok({ routes, mintToken: gitlab.mintToken, tufRoot: tuf.value.firstRoot, stores });
};

const openIssuer = (context: StackContext) => {
  const { urls, tokenSecret, projects, clocks, random } = context;
  return issuer({
    url: urls.gitlab,
    keys: [context.issuer.current.key],
    retired: context.issuer.earlier.map(({ key, until = 0 }) => ({ key, at: until })),
    secret: tokenSecret,
    projectIds: new Map(projects.map(({ path, id }) => [path, id])),
    now: clocks.issuer,
    random,
  });
};

const openCa = ({ ca, urls, clocks, random }: StackContext, gitlab: Issuer, ctlog: CtLog) =>
  certificateAuthority({
    issuer: ca.current.issuer,
    chain: ca.current.chain.map(({ der }) => der),
    trustedIssuers: [
      {
        url: urls.gitlab,
        gitlabUrl: urls.gitlab,
        audience: "sigstore",
        // The same process is the issuer: no request to ourselves, and no answer to believe.
        keySet: async () => ok(gitlab.keySet),
        retiredAt: gitlab.retiredAt,
      },
    ],
    submit: async (entry) => {
      const sct = await ctlog.addPrecertificate(entry);
      return sct.ok ? ok(sct.value.bytes) : sct;
    },
    now: clocks.ca,
    random,
  });

/** Names the logs in their checkpoints: without the port, which may change. */
export const REKOR_HOST = "127.0.0.1";
export const CTLOG_HOST = `${REKOR_HOST}/ctlog`;

/** Where the log of a key is. */
export const logPath = ({ folder }: Pick<State, "folder">, { name }: NamedKey): string =>
  join(folder, `${name}.db`);

const openCtLog = ({ state, ca, clocks }: StackContext, own: NamedKey): Promise<Result<CtLog>> =>
  ctLog({
    path: logPath(state, own),
    key: own.key,
    hostname: CTLOG_HOST,
    now: clocks.ctlog,
    roots: wholeLine(ca).flatMap(({ chain }) => chain.slice(-1).map(({ der }) => der)),
  });

/** Its checkpoints carry the same host: they are told from Rekor v1's by the key. */
const openRekorV2 = ({ state, clocks }: StackContext, own: NamedKey): Promise<Result<LogService>> =>
  rekorV2Service({
    path: logPath(state, own),
    key: own.key,
    hostname: REKOR_HOST,
    now: clocks.rekor,
  });

const openRekor = ({ state, rekor, clocks }: StackContext): Promise<Result<LogService>> =>
  rekorService({
    path: logPath(state, rekor.current),
    key: rekor.current.key,
    earlier: rekor.earlier.map((own) => ({ path: logPath(state, own), key: own.key })),
    hostname: REKOR_HOST,
    now: clocks.rekor,
  });

/** The logs that take nothing any more, by name; Rekor v1 shows its own earlier shards. */
const openClosed = async (
  context: StackContext,
  opened: Opened,
): Promise<Result<ReadonlyMap<string, Service>>> => {
  const closed = new Map<string, Service>();
  for (const own of context.ctlog.earlier) {
    const log = await openCtLog(context, own);
    if (!log.ok) return log;
    opened.push(log.value);
    closed.set(own.name, log.value);
  }
  for (const own of context.rekorV2.earlier) {
    const log = await openRekorV2(context, own);
    if (!log.ok) return log;
    opened.push(log.value);
    closed.set(own.name, log.value);
  }
  return ok(closed);
};

const openRegistry = ({ state, urls, projects, jobToken, clocks }: StackContext): RegistryService =>
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
    now: clocks.registry,
  });

/** What a verifier is told about this stack. */
export const trustIn = ({ urls, ca, tsa, rekor, rekorV2, ctlog }: StackContext): StackTrust => ({
  ...{ urls, ca, tsa, rekor, rekorV2, ctlog },
  rekorV2Origin: REKOR_HOST,
});

const openTuf = async (context: StackContext): Promise<Result<TufRepository>> => {
  const { state, clocks, rotateTuf } = context;
  const targets = tufTargets(trustIn(context));
  const opened = await openTufRepository({ state, now: clocks.tuf, targets });
  if (!opened.ok || !rotateTuf) return opened;
  const rotated = await opened.value.rotate();
  return rotated.ok ? opened : rotated;
};

const RENEWAL = 24 * 3600_000;

/** A stack that runs for months must not serve what has ended. */
const keepRenewing = (repository: TufRepository): { close(): void } => {
  const timer = setInterval(() => void repository.renew(), RENEWAL).unref();
  return { close: () => clearInterval(timer) };
};
