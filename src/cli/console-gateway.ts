import { join } from "node:path";
import type { Gateway } from "../consumer/gateway.ts";
import type { NumberedEvent } from "../consumer/gateway-state.ts";
import type { GatewayWorld } from "../consumer/gateway-world.ts";
import { sha256 } from "../crypto/hash.ts";
import { looseRelease } from "../dists/filename.ts";
import { fieldValues, MAX_METADATA, parseMetadata } from "../dists/metadata.ts";
import type { NormalizedName } from "../dists/name.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { parseRfc3339 } from "../formats/rfc3339.ts";
import type { FileRow, FileView, KeptProof } from "../web/console.ts";
import { waiverRows } from "./console-checks.ts";
import { allSigners, isSameSigner, proofsIn } from "./console-detail.ts";
import { openFollower } from "./console-follow.ts";
import { consoleFetch } from "./console-http.ts";
import { type ConsoleIndex, consoleIndex } from "./console-index.ts";
import { openLive } from "./console-live.ts";
import { type ConsoleSource, consolePages } from "./console-pages.ts";
import { consoleQueries } from "./console-queries.ts";
import { openConsoleDatabase } from "./console-schema.ts";
import { describeExpectation } from "./expectation.ts";
import type { OpenedWorld } from "./gateway-setup.ts";
import type { ConsoleService } from "./stack.ts";

const STEP = 200;
const PATIENCE = 150;
/** Milliseconds between two looks at what other replicas did, while somebody watches. */
const PERIOD = 3_000;

const CONSOLE = /^\/(console(\/|$)|$)/;

/** The console below `/console/`, the gateway everywhere else. */
export const inFrontOf =
  (gateway: Gateway, console: Gateway): Gateway =>
  (request) =>
    CONSOLE.test(new URL(request.url).pathname) ? console(request) : gateway(request);

const signedAt = ({ times }: KeptProof): number | undefined =>
  times[0] === undefined ? undefined : parseRfc3339(times[0]);

const addProofs = (index: ConsoleIndex, digest: string, proofs: readonly KeptProof[]): void => {
  for (const proof of proofs) {
    const { kind, identity, issuer, entries, code } = proof;
    const entry = Number(entries[0] ?? Number.NaN);
    const at = signedAt(proof);
    // A refused proof proves nobody's signing.
    if (code !== "" || identity === "" || at === undefined || !Number.isSafeInteger(entry))
      continue;
    const signing = { at, identity, issuer, entry, kind, sha256: digest };
    // A file is decided again whenever the rules change.
    if (!index.hasSigning(signing)) index.addSigning(signing);
  }
};

const addEvent = (index: ConsoleIndex, { number, event }: NumberedEvent): void => {
  const { at, kind, project, filename, message, code = "" } = event;
  const about = { project, filename, sha256: event.sha256 };
  const proofs = proofsIn(event.detail);
  const identity = allSigners(proofs.map((proof) => proof.identity));
  if (filename !== "") {
    const release = looseRelease(filename);
    const version = release.ok ? release.value.version : "";
    const state = kind === "accepted" ? "verified" : "refused";
    const row = { ...about, version, at, state, code, message, identity, source: number } as const;
    const { before } = index.putFile(row);
    if (kind === "accepted" && before !== undefined && !isSameSigner(before.identity, identity)) {
      const changed = `${before.filename} was signed by ${before.identity}, this file by ${identity}`;
      index.addEvent({ ...about, at, kind: "identity", code: "", message: changed });
    }
  }
  if (kind === "accepted") addProofs(index, event.sha256, proofs);
  index.addEvent({ ...about, at, kind, code, message });
};

const follow = async ({ state }: GatewayWorld, index: ConsoleIndex): Promise<number> => {
  const events = await state.eventsAfter(index.position("trail"), STEP);
  const last = events.at(-1);
  if (last === undefined) return 0;
  index.atomically(() => {
    for (const event of events) addEvent(index, event);
    index.moveTo("trail", last.number);
  });
  return events.length;
};

/** The lists are of the trail that begins so. */
const sourceOf = async ({ state }: GatewayWorld): Promise<string> =>
  hex(sha256(utf8(JSON.stringify(await state.eventsAfter(0, 1)))));

const metadataOf = async (world: GatewayWorld, row: FileRow) => {
  const verdict = await world.state.verdict(row.project as NormalizedName, row.filename);
  const none = { size: verdict?.size, summary: "", requiresPython: "", license: "" };
  if (verdict?.metadata === undefined || verdict.sha256 !== row.sha256) return none;
  const bytes = await world.files.read(world.store.pathOf(verdict.metadata), MAX_METADATA);
  const metadata = bytes.ok ? parseMetadata(bytes.value) : bytes;
  if (!metadata.ok) return none;
  const { requiresPython = "" } = metadata.value;
  const first = (field: string): string => fieldValues(metadata.value, field)[0] ?? "";
  const license = first("License-Expression") || first("License");
  return { ...none, summary: first("Summary"), requiresPython, license };
};

const fileView = async (world: GatewayWorld, row: FileRow): Promise<FileView> => {
  const said = await metadataOf(world, row);
  const [decided] = await world.state.eventsAfter(row.source - 1, 1);
  if (decided?.number !== row.source) return { row, ...said };
  return { row, ...said, kept: { at: decided.event.at, proofs: proofsIn(decided.event.detail) } };
};

/** Whom the policy names, or else who signed first and is held to since. */
const publisherOf = async (
  { policy, state }: GatewayWorld,
  project: string,
): Promise<string | undefined> => {
  const name = project as NormalizedName;
  const named = policy.policy.packages.get(name)?.identities ?? [];
  if (named.length > 0) return describeExpectation({ kind: "identity", anyOf: named });
  const pinned = await state.publisher(name);
  if (pinned === undefined) return undefined;
  return `${describeExpectation({ kind: "identity", anyOf: [pinned] })}, as first seen`;
};

const LEADS = {
  overview: "What this gateway verified and refused, from its audit trail.",
  packages: "Packages of which a file was asked for, and what verification said of it.",
  log: "Log entries by which this gateway verified files. The gateway keeps no log and follows none: wheelseal monitor does.",
  refusals: "Files that were not served, and why.",
} as const;

/** The console of a gateway, over the audit trail. */
export const openGatewayConsole = async (world: OpenedWorld): Promise<ConsoleService> => {
  const path = join(world.folder, "console.sqlite");
  const database = openConsoleDatabase(path, await sourceOf(world));
  const index = consoleIndex(database);
  const live = openLive();
  const failed = (error: unknown): void => {
    const message = error instanceof Error ? error.message : "failed";
    world.log({ level: "error", event: "console", message });
  };
  const follower = openFollower(async () => {
    const read = await follow(world, index);
    if (read > 0) live.publish({ what: "events" });
    return read === STEP;
  }, failed);
  const leave = world.feed.subscribe(() => follower.poke());
  const timer = setInterval(() => {
    if (live.clients() > 0) follower.poke();
  }, PERIOD).unref();
  const source: ConsoleSource = {
    queries: consoleQueries(database),
    now: world.now,
    settle: async () => ((await follower.settle(PATIENCE)) ? 0 : Number.POSITIVE_INFINITY),
    file: (row) => fileView(world, row),
    publisher: (project) => publisherOf(world, project),
    shown: () => undefined,
    log: undefined,
    waivers: () => ({ rows: waiverRows(world.policy.policy), policy: world.policy.from }),
    leads: LEADS,
  };
  return {
    fetch: consoleFetch({ of: "gateway", pages: consolePages(source), live, failed }),
    close: async () => {
      leave();
      clearInterval(timer);
      live.close();
      await follower.close();
      database.close();
    },
  };
};
