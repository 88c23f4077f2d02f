import { join, resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import type { Files } from "../clients/files.ts";
import { temporaryFolder } from "../clients/temporary.ts";
import { closureEntries, statedIn } from "../consumer/closure-kit.ts";
import { verifyClosure } from "../consumer/closure-verify.ts";
import { installRefusal } from "../consumer/install-closure.ts";
import { type KitEntry, recordEvidence } from "../consumer/kit-export.ts";
import type { Stated } from "../consumer/kit-policy.ts";
import { readClosure } from "../consumer/read-closure.ts";
import { parseName } from "../dists/name.ts";
import { parseVersion } from "../dists/version.ts";
import { evidenceNames } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { verifyFolder } from "../stages/3-verify.ts";
import { fetchRelease } from "../stages/6-consume.ts";
import type { Report } from "../stages/events.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import { openClosureWorld } from "./closure-setup.ts";
import type { Invocation } from "./command.ts";
import { expectedFor } from "./expectation.ts";
import { verifyConsumed } from "./run-stages.ts";
import { inSession, openSession, type Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import { type Trust, trustOf } from "./trust.ts";

/** What goes into a kit, and whom it was verified against. */
export type Collected = {
  readonly entries: readonly KitEntry[];
  readonly trust: Trust;
  /** Absent where only a lock said whom to expect; `stated` is what it says. */
  readonly expect: Expected | undefined;
  readonly stated?: Stated;
};

/** What is done with it: the files are there only so long. */
export type Use<T> = (collected: Collected) => Promise<Result<T>>;

/** Files that remember the small ones that were read, by path. */
const recordingFiles = (files: Files, seen: Map<string, Uint8Array>): Files => ({
  ...files,
  readIfPresent: async (path, maxBytes) => {
    const bytes = await files.readIfPresent(path, maxBytes);
    if (bytes.ok && bytes.value !== undefined) seen.set(path, bytes.value);
    return bytes;
  },
});

const entryOf = async (
  files: Files,
  path: string,
  verdict: ReleaseVerdict,
  evidence: ReadonlyMap<string, Uint8Array>,
): Promise<Result<KitEntry>> => {
  const artifact = await files.artifact(path);
  if (!artifact.ok) return artifact;
  const { open } = artifact.value;
  if (open === undefined) throw new TypeError("a file can be opened");
  return ok({ verdict, evidence, open });
};

/** The distributions of a folder with the evidence beside them, as the stages leave it. */
const collectFolder = async <T>(
  invocation: Invocation,
  settings: Settings,
  folder: string,
  use: Use<T>,
): Promise<Result<T>> => {
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return trust;
  const expect = await expectedFor(invocation, settings, trust.value);
  if (!expect.ok) return expect;
  const seen = new Map<string, Uint8Array>();
  const verified = await verifyFolder({
    folder,
    expect: expect.value,
    trust: trust.value.root,
    files: recordingFiles(invocation.files, seen),
    inspect: inspectDistribution,
    now: invocation.outside.now,
    report: () => undefined,
  });
  if (!verified.ok) return verified;
  if (verified.value.failure !== undefined) return { ok: false, error: verified.value.failure };
  const entries: KitEntry[] = [];
  for (const verdict of verified.value.verdicts) {
    const names = Object.values(evidenceNames(verdict.filename));
    const evidence = new Map<string, Uint8Array>();
    for (const name of names) {
      const bytes = seen.get(`${folder}/${name}`);
      if (bytes !== undefined) evidence.set(name, bytes);
    }
    const entry = await entryOf(
      invocation.files,
      join(folder, verdict.filename),
      verdict,
      evidence,
    );
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return use({ entries, trust: trust.value, expect: expect.value });
};

type Release = { readonly name: string; readonly version: string };

const readRelease = (text: string): Result<Release> => {
  const [name = "", version = "", ...more] = text.split("==");
  const parsed = { name: parseName(name), version: parseVersion(version) };
  return more.length === 0 && parsed.name.ok && parsed.version.ok
    ? ok({ name: parsed.name.value, version })
    : fail("USAGE", `${text} is not NAME==VERSION`);
};

/** Releases of an index, every file of each, fetched and verified as `consume` does. */
const collectReleases = async <T>(
  invocation: Invocation,
  settings: Settings,
  requirements: readonly string[],
  use: Use<T>,
): Promise<Result<T>> => {
  const releases: Release[] = [];
  for (const requirement of requirements) {
    const release = readRelease(requirement);
    if (!release.ok) return release;
    releases.push(release.value);
  }
  if (releases.length > 1 && settings.text("generic-url") !== undefined) {
    return fail("USAGE", "--generic-url is of one release: export them one by one");
  }
  const session = await openSession(invocation, settings, "gitlab");
  if (!session.ok) return session;
  const folder = await temporaryFolder("wheelseal-kit-");
  return inSession(session.value, async () => {
    try {
      const entries: KitEntry[] = [];
      for (const [at, release] of releases.entries()) {
        const place = join(folder.path, String(at));
        const fetched = await fetchEntries(invocation, session.value, release, place);
        if (!fetched.ok) return fetched;
        entries.push(...fetched.value);
      }
      const { trust, expect } = session.value;
      return await use({ entries, trust, expect });
    } finally {
      await folder.discard();
    }
  });
};

const fetchEntries = async (
  invocation: Invocation,
  session: Session,
  release: Release,
  folder: string,
): Promise<Result<KitEntry[]>> => {
  const index = session.registry.index();
  if (!index.ok) return index;
  const evidence = session.registry.evidence(release.name, release.version);
  if (!evidence.ok) return evidence;
  const report: Report = (event) => {
    if (event.kind === "progress") invocation.terminal.err(event.message);
  };
  const seen = new Map<string, Map<string, Uint8Array>>();
  const fetched = await fetchRelease(
    { ...release, folder },
    {
      index: index.value,
      evidence: evidence.value,
      verifyFile: (path, source) => {
        // The first source of a file is whole; others only replace what the index serves too.
        if (seen.has(path)) return verifyConsumed({ session, invocation, report }, path, source);
        const recorded = recordEvidence(source);
        seen.set(path, recorded.seen);
        return verifyConsumed({ session, invocation, report }, path, recorded.source);
      },
      inspect: inspectDistribution,
      now: invocation.outside.now,
      report,
    },
  );
  if (!fetched.ok) return fetched;
  const entries: KitEntry[] = [];
  for (const verdict of fetched.value.verdicts) {
    const path = `${folder}/${verdict.filename}`;
    const found = seen.get(path) ?? new Map<string, Uint8Array>();
    const entry = await entryOf(invocation.files, path, verdict, found);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return ok(entries);
};

/** Every file of a lock, fetched from its index and verified. */
const collectLock = async <T>(
  invocation: Invocation,
  settings: Settings,
  file: string,
  use: Use<T>,
): Promise<Result<T>> => {
  const read = await readClosure(invocation.files, resolve(invocation.terminal.cwd, file));
  if (!read.ok) return read;
  const opened = await openClosureWorld(invocation, settings, read.value.closure);
  if (!opened.ok) return opened;
  const { world, trust, close } = opened.value;
  try {
    const verdict = await verifyClosure(read.value.closure, world);
    if (!verdict.ok) return verdict;
    // What must not be installed is not carried anywhere either.
    const unfit = installRefusal(verdict.value, false);
    if (unfit !== undefined) return { ok: false, error: unfit };
    const entries = await closureEntries(world, verdict.value);
    if (!entries.ok) return entries;
    const stated = statedIn(verdict.value);
    return await use({ entries: entries.value, trust, expect: world.expect, stated });
  } finally {
    await close();
  }
};

/** What `kit export` is asked to take: a folder, releases of an index, or a lock. */
export const collect = <T>(
  invocation: Invocation,
  settings: Settings,
  operands: readonly string[],
  use: Use<T>,
): Promise<Result<T>> => {
  const { lock } = invocation.flags;
  if (typeof lock === "string") {
    return operands.length > 0
      ? Promise.resolve(fail("USAGE", "give --lock or what else to take, not both"))
      : collectLock(invocation, settings, lock, use);
  }
  if (operands.some((one) => one.includes("=="))) {
    return collectReleases(invocation, settings, operands, use);
  }
  const [folder = "dist", ...more] = operands;
  if (more.length > 0) {
    return Promise.resolve(fail("USAGE", "give one folder, or releases as NAME==VERSION"));
  }
  return collectFolder(invocation, settings, resolve(invocation.terminal.cwd, folder), use);
};
