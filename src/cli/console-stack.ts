import { join } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import type { Invocation } from "./command.ts";
import { openChecks, waiverRows } from "./console-checks.ts";
import { isSameSigner } from "./console-detail.ts";
import { openFollower } from "./console-follow.ts";
import { consoleFetch } from "./console-http.ts";
import { type ConsoleIndex, consoleIndex } from "./console-index.ts";
import { openLive } from "./console-live.ts";
import { ownLog, readEntry } from "./console-log.ts";
import { type ConsoleSource, consolePages } from "./console-pages.ts";
import { consoleQueries } from "./console-queries.ts";
import { emptyConsoleDatabase, openConsoleDatabase } from "./console-schema.ts";
import type { Judged } from "./console-verify.ts";
import { describeExpectation, expectedFor } from "./expectation.ts";
import type { Settings } from "./settings.ts";
import type { ConsoleService, RefusedRequest, StackView } from "./stack.ts";
import { trustOf } from "./trust.ts";

/** Entries and files that are read in one step at most. */
const STEP = 200;
/** Milliseconds after which a step ends: requests wait for as long. */
const STEP_TIME = 20;
/** Refused requests that are listed, and how long one's path may be. */
const MAX_REQUESTS = 1_000;
const MAX_ABOUT = 300;
/** Milliseconds that a page waits for its lists. */
const PATIENCE = 150;

type Registered = ReturnType<StackView["registry"]["addedAfter"]>[number];

const followLog = ({ rekor }: StackView, index: ConsoleIndex): boolean => {
  const from = index.position("log");
  const { size } = rekor.head();
  const last = Math.min(size, from + STEP);
  const until = performance.now() + STEP_TIME;
  let to = from;
  index.atomically(() => {
    for (; to < last && performance.now() < until; to += 1) {
      const entry = to;
      const leaf = rekor.leaf(entry);
      if (leaf === undefined) throw new Error(`entry ${entry} is missing`);
      const { kind, sha256: digest, signers } = readEntry(leaf.body);
      for (const { identity, issuer } of signers) {
        index.addSigning({ at: leaf.at, identity, issuer, entry, kind, sha256: digest });
      }
    }
    index.moveTo("log", to);
  });
  return to < size;
};

/** Who signed the file, by the log: the names in its entries, and nothing of them verified. */
const signersOf = ({ rekor }: StackView, digest: string): string => {
  const found = rekor.search(`sha256:${digest}`, 16).flatMap((entry) => {
    const leaf = rekor.leaf(entry);
    return leaf === undefined ? [] : readEntry(leaf.body).signers;
  });
  return [...new Set(found.map(({ identity }) => identity))].toSorted().join(" and ");
};

const addDistribution = (view: StackView, index: ConsoleIndex, file: Registered): void => {
  const identity = signersOf(view, file.sha256);
  const about = { project: file.normalized, filename: file.fileName, sha256: file.sha256 };
  const { before } = index.putFile({
    ...about,
    version: file.version,
    at: file.createdAt,
    state: "unchecked",
    code: "",
    message: "",
    identity,
    source: file.id,
  });
  if (before === undefined || isSameSigner(before.identity, identity)) return;
  const message = `${before.filename} was signed by ${before.identity}, this file by ${identity}`;
  index.addEvent({ ...about, at: file.createdAt, kind: "identity", code: "", message });
};

const followRegistry = (
  view: StackView,
  index: ConsoleIndex,
  forget: (project: string, version: string) => void,
): boolean => {
  const files = view.registry.addedAfter(index.position("registry"), STEP);
  const last = files.at(-1);
  if (last === undefined) return false;
  index.atomically(() => {
    for (const file of files) {
      if (file.kind === "pypi") addDistribution(view, index, file);
      else forget(file.normalized, file.version);
    }
    index.moveTo("registry", last.id);
  });
  return files.length === STEP;
};

type Forget = (project: string, version: string) => void;

/** Brings the lists up to date; gives whether there may be more to read. */
const stepThrough = (view: StackView, index: ConsoleIndex, forget: Forget) => (): boolean => {
  // The log first: who signed a file is known when the file comes.
  const more = followLog(view, index);
  return followRegistry(view, index, forget) || more;
};

/** The lists are of this log and registry, and by these rules; else they are made anew. */
const sourceOf = (view: StackView, { trust, expect }: Judged): string => {
  const logs = trust.root.tlogs.map(({ logId }) => hex(logId));
  const policy = expect.kind === "policy" ? expect.sha256 : describeExpectation(expect);
  const rules = JSON.stringify([view.folder, view.rekor.head().note.split("\n", 1), logs, policy]);
  return hex(sha256(utf8(rules)));
};

const openIndex = (view: StackView, judged: Judged) => {
  const source = sourceOf(view, judged);
  const database = openConsoleDatabase(join(view.folder, "console.sqlite"), source);
  const index = consoleIndex(database);
  // A log that is shorter than what was listed is another one.
  if (index.position("log") > view.rekor.head().size) emptyConsoleDatabase(database, source);
  return { database, index, queries: consoleQueries(database) };
};

/** What the local profile would trust and expect, here. */
const judgedFor = async (
  invocation: Invocation,
  settings: Settings,
  { trustConfig, now }: StackView,
): Promise<Result<Judged>> => {
  const local: Settings = {
    ...settings,
    find: (name) => (name === "trust-sha256" ? undefined : settings.find(name)),
    text: (name) =>
      name === "profile" ? "local" : name === "trust-config" ? trustConfig : settings.text(name),
  };
  const trust = await trustOf(invocation, local);
  if (!trust.ok) return trust;
  const expect = await expectedFor(invocation, local, trust.value);
  if (!expect.ok) return expect;
  return ok({ trust: trust.value, expect: expect.value, files: invocation.files, now });
};

const waiversOf = ({ expect }: Judged): ReturnType<ConsoleSource["waivers"]> =>
  expect.kind === "policy"
    ? { rows: waiverRows(expect.policy), policy: expect.from }
    : { rows: [], policy: `none; every file must be signed by ${describeExpectation(expect)}` };

const LEADS = {
  overview:
    "What this stack's log and registry hold. Files are verified when they are looked at, as wheelseal consume would.",
  packages:
    "The distributions of the stack's registry, and what verification says of them. Who signed is what the log says.",
  log: "The stack's Rekor v1 log. This page is served by the process that keeps the log: to trust it no more than another, use wheelseal monitor.",
  refusals: "Files that verification refused, and requests that the stack's services refused.",
} as const;

const behindOf = (view: StackView, index: ConsoleIndex): number =>
  view.rekor.head().size - index.position("log");

const refusedEvent = (at: number, { method, path, status, reason }: RefusedRequest) => ({
  ...{ at, kind: "refused" as const, project: "", sha256: "" },
  filename: `${method} ${path}`.slice(0, MAX_ABOUT),
  code: `HTTP ${status}`,
  message: reason,
});

/** The console of the local stack. */
export const openStackConsole =
  (invocation: Invocation, settings: Settings) =>
  async (view: StackView): Promise<Result<ConsoleService>> => {
    const judged = await judgedFor(invocation, settings, view);
    if (!judged.ok) return judged;
    const { database, index, queries } = openIndex(view, judged.value);
    const live = openLive();
    const tell = (what: string): void => live.publish({ what });
    const checks = openChecks({ view, judged: judged.value, index, queries, tell });
    const step = stepThrough(view, index, checks.forget);
    const failed = (error: unknown): void =>
      invocation.terminal.err(`console: ${error instanceof Error ? error.message : "failed"}`);
    const follower = openFollower(() => {
      const before = index.position("log") + index.position("registry");
      const more = step();
      if (index.position("log") + index.position("registry") > before) tell("list");
      return more;
    }, failed);
    view.watch((refused) => {
      if (refused !== undefined) {
        index.addEvent(refusedEvent(view.now(), refused));
        index.trimEvents(MAX_REQUESTS);
        tell("refusal");
      }
      follower.poke();
    });
    const source: ConsoleSource = {
      queries,
      now: view.now,
      settle: async () => {
        await follower.settle(PATIENCE);
        return behindOf(view, index);
      },
      file: checks.view,
      publisher: async () => undefined,
      shown: checks.enqueue,
      log: ownLog(view),
      waivers: () => waiversOf(judged.value),
      leads: LEADS,
    };
    return ok({
      fetch: consoleFetch({ of: "stack", pages: consolePages(source), live, failed }),
      close: async () => {
        live.close();
        await follower.close();
        await checks.close();
        database.close();
      },
    });
  };
