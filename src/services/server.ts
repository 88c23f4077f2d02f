import { join, resolve } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { type RandomBytes, systemRandom } from "../crypto/random.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import { counted, openGeneration } from "./generation.ts";
import type { Issuer } from "./issuer.ts";
import { type Listener, listen } from "./listener.ts";
import type { RegistryProject } from "./registry-access.ts";
import type { RotatedKey } from "./rotations.ts";
import { formatStackFile, STACK_FILE } from "./stack-file.ts";
import { openKept } from "./stack-keys.ts";
import {
  type Clocks,
  clocksBy,
  type Opened,
  openServices,
  type StackContext,
  trustIn,
} from "./stack-services.ts";
import { inFront, type OpenConsole, watched } from "./stack-view.ts";
import { openState, type State } from "./state.ts";
import { type StackUrls, TRUST_CONFIG_FILE, trustFiles } from "./trust-config.ts";
import { TUF_PATH } from "./tuf.ts";

export type StackOptions = {
  /** Made where absent. */
  readonly folder: string;
  /** The port to listen on; where absent the one of the last start, or any free one. */
  readonly port?: number;
  /** What the registry knows; the first one also answers PyPI's own paths. */
  readonly projects?: readonly [RegistryProject, ...RegistryProject[]];
  /** Keys that are replaced before anything is served; old signatures stay good. */
  readonly rotate?: readonly (RotatedKey | "tuf")[];
  /** The file beside the folder by which an older copy of it is noticed; none where absent. */
  readonly witness?: string;
  /** Makes the pages below `/console`; none where absent. */
  readonly console?: OpenConsole;
  readonly now?: () => number;
  /** Clocks of single services, which go wrong alone. */
  readonly clocks?: Partial<Clocks>;
  readonly random?: RandomBytes;
};

/** The running local stack. */
export type Stack = {
  readonly urls: StackUrls;
  readonly folder: string;
  /** Path of the ClientTrustConfig. */
  readonly trustConfig: string;
  /** Secrets that let the user of this machine mint tokens and upload. */
  readonly tokenSecret: string;
  readonly jobToken: string;
  readonly projects: readonly RegistryProject[];
  readonly mintToken: Issuer["mintToken"];
  /** Answers what has begun, then lets go of the folder and the port. */
  close(): Promise<void>;
};

const DEFAULT_PROJECTS = [{ id: "1", path: "local/packages", visibility: "private" }] as const;

const closeAll = async (opened: Opened): Promise<void> => {
  for (const each of opened.toReversed()) await each.close();
};

/**
 * Starts all services in this process, on one loopback port, with their state in one folder.
 *
 * Fails with STATE_LOCKED, STATE_CORRUPT, STATE_ROLLED_BACK, PORT_UNAVAILABLE or FILE_UNWRITABLE.
 */
export const startStack = async (options: StackOptions): Promise<Result<Stack>> => {
  const opened: Opened = [];
  const stack = await open(options, opened);
  if (!stack.ok) await closeAll(opened);
  return stack;
};

const open = async (options: StackOptions, opened: Opened): Promise<Result<Stack>> => {
  const state = await openState(resolve(options.folder));
  if (!state.ok) return state;
  opened.push(state.value);
  const { witness } = options;
  const generation =
    witness === undefined ? ok(undefined) : await openGeneration(state.value, witness);
  if (!generation.ok) return generation;
  if (generation.value !== undefined) opened.push(generation.value);
  const listener = await listenAgain(state.value, options.port);
  if (!listener.ok) return listener;
  opened.push(listener.value);
  const outside = { now: options.now ?? Date.now, random: options.random ?? systemRandom };
  const rotate = options.rotate ?? [];
  const own = rotate.filter((key) => key !== "tuf");
  const kept = await openKept(state.value, outside, own);
  if (!kept.ok) return kept;
  const urls = urlsAt(listener.value.port);
  const projects = options.projects ?? DEFAULT_PROJECTS;
  const rotateTuf = rotate.includes("tuf");
  const clocks = { ...clocksBy(outside.now), ...options.clocks };
  const context = {
    state: state.value,
    urls,
    projects,
    rotateTuf,
    clocks,
    ...kept.value,
    ...outside,
  };
  const services = await openServices(context, opened);
  if (!services.ok) return services;
  // Closed before the services are: what has begun is answered by them.
  opened.push({ close: () => listener.value.close() });
  const answering = counted(services.value.routes, generation.value);
  listener.value.serve(answering.fetch);
  const trustConfig = await announce(context, services.value.tufRoot);
  if (!trustConfig.ok) return trustConfig;
  if (options.console !== undefined) {
    const { service, watch } = watched(answering);
    const { folder } = state.value;
    const shown = { ...services.value.stores, urls, folder, projects, now: outside.now, watch };
    const console = await options.console({ ...shown, trustConfig: trustConfig.value });
    if (!console.ok) return console;
    opened.push(console.value);
    listener.value.serve(inFront(console.value, service).fetch);
  }
  opened.push({ close: () => state.value.remove(STACK_FILE) });
  return ok({
    urls,
    folder: state.value.folder,
    trustConfig: trustConfig.value,
    tokenSecret: kept.value.tokenSecret,
    jobToken: kept.value.jobToken,
    projects,
    mintToken: services.value.mintToken,
    close: () => closeAll(opened),
  });
};

const urlsAt = (port: number): StackUrls => {
  const origin = `http://127.0.0.1:${port}`;
  return {
    gitlab: origin,
    fulcio: origin,
    ctlog: origin,
    rekor: origin,
    tsa: `${origin}/api/v1/timestamp`,
    tuf: `${origin}${TUF_PATH}`,
  };
};

const PORT_FILE = "port";

/** The root that TUF clients start from; its digest beside it is to be compared by hand. */
const TUF_ROOT_FILE = "1.root.json";

/** The issuer's URL is in every certificate, so the port stays the same for as long as it can. */
const listenAgain = async (state: State, port: number | undefined): Promise<Result<Listener>> => {
  const remembered = Number(new TextDecoder().decode(await state.read(PORT_FILE)));
  const usual = Number.isInteger(remembered) && remembered < 65536 ? remembered : 0;
  let listener = await listen(port ?? usual);
  if (!listener.ok && port === undefined) listener = await listen(0);
  if (!listener.ok) return listener;
  const written = await state.write(PORT_FILE, utf8(String(listener.value.port)));
  if (written.ok) return listener;
  await listener.value.close();
  return written;
};

/** Writes who to trust and where we are, for other programs; gives the trust config's path. */
const announce = async (context: StackContext, tufRoot: Uint8Array): Promise<Result<string>> => {
  const { state, urls } = context;
  const digest = utf8(`${hex(sha256(tufRoot))}  ${TUF_ROOT_FILE}\n`);
  const files: ReadonlyMap<string, Uint8Array> = new Map([
    ...trustFiles(trustIn(context)),
    [TUF_ROOT_FILE, tufRoot],
    [`${TUF_ROOT_FILE}.sha256`, digest],
  ]);
  for (const [name, content] of files) {
    const written = await state.write(join("trust", name), content);
    if (!written.ok) return written;
  }
  const trustConfig = join(state.folder, "trust", TRUST_CONFIG_FILE);
  const file = formatStackFile({ pid: process.pid, urls, trustConfig });
  const written = await state.write(STACK_FILE, file);
  return written.ok ? ok(trustConfig) : written;
};
