import type { ReleaseVerdict } from "../stages/release.ts";
import type { Policy } from "../verification/policy-format.ts";
import type { FileRow, FileView, WaiverRow } from "../web/console.ts";
import type { ConsoleIndex, FileVerdict } from "./console-index.ts";
import type { ConsoleQueries } from "./console-queries.ts";
import { describeStored, type Judged, verifyStored } from "./console-verify.ts";
import type { StackView } from "./stack.ts";

export const waiverRows = ({ waivers }: Policy): WaiverRow[] =>
  waivers.map((waiver) => ({ ...waiver, version: waiver.version ?? "every version" }));

/** The files of the stack's registry, verified when somebody looks at them. */
export type Checks = {
  /** Verifies those that nobody verified yet, one after the other. */
  enqueue(rows: readonly FileRow[]): void;
  /** What is known of the release is out of date: evidence came. */
  forget(project: string, version: string): void;
  /** Verifies the file now, unless that was done and nothing has changed. */
  view(row: FileRow): Promise<FileView>;
  close(): Promise<void>;
};

export type ChecksOf = {
  readonly view: StackView;
  readonly judged: Judged;
  readonly index: ConsoleIndex;
  readonly queries: ConsoleQueries;
  readonly tell: (what: string) => void;
};

/** Verdicts that are held; each has the checks that were made, some kilobytes. */
const CACHED = 200;
/** Files that wait at most; those beyond are verified when they are looked at again. */
const WAITING = 200;

const keyOf = ({ project, filename }: Pick<FileRow, "project" | "filename">): string =>
  `${project}/${filename}`;

const stateOf = ({ failure }: ReleaseVerdict): FileVerdict =>
  failure === undefined
    ? { state: "verified", code: "", message: "" }
    : { state: "refused", code: failure.code, message: failure.message };

/** Puts a verdict on the lists, and tells where it is another than before. */
const conclude = ({ index, queries, view, tell }: ChecksOf, row: FileRow, found: FileVerdict) => {
  const now = queries.file(row.project, row.filename);
  if (now === undefined || (now.state === found.state && now.code === found.code)) return;
  const { project, filename, sha256 } = row;
  index.atomically(() => {
    index.setVerdict(project, filename, found);
    const kind = found.state === "verified" ? ("accepted" as const) : ("refused" as const);
    const message = kind === "accepted" ? "verified as wheelseal consume would" : found.message;
    index.addEvent({ at: view.now(), kind, project, filename, sha256, code: found.code, message });
  });
  tell("verdict");
};

/** A verification under way; what it read is out of date once evidence came. */
type Running = { readonly row: FileRow; stale: boolean };

export const openChecks = (of: ChecksOf): Checks => {
  const { view, judged, index, queries } = of;
  const verdicts = new Map<string, ReleaseVerdict>();
  const waiting = new Map<string, FileRow>();
  const running = new Set<Running>();
  let closed = false;
  let tail: Promise<unknown> = Promise.resolve();

  const check = async (row: FileRow): Promise<ReleaseVerdict | undefined> => {
    const known = verdicts.get(keyOf(row));
    if (known !== undefined && known.sha256 === row.sha256) return known;
    const mine: Running = { row, stale: false };
    running.add(mine);
    const verdict = await verifyStored(judged, view.registry, row);
    running.delete(mine);
    if (closed) return undefined;
    if (mine.stale) return check(row);
    // What could not be read was not verified, and stays so.
    if (!verdict.ok) return undefined;
    const [oldest] = verdicts.keys();
    if (verdicts.size >= CACHED && oldest !== undefined) verdicts.delete(oldest);
    verdicts.set(keyOf(row), verdict.value);
    conclude(of, row, stateOf(verdict.value));
    return verdict.value;
  };
  /** One at a time: a page with many files must not take the processor from the services. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = tail.then(work);
    tail = next.catch(() => undefined);
    return next;
  };
  const drain = (row: FileRow): void => {
    void inTurn(async () => {
      waiting.delete(keyOf(row));
      if (!closed) await check(row);
    }).catch(() => undefined);
  };
  return {
    enqueue: (rows) => {
      for (const row of rows) {
        if (row.state !== "unchecked" || waiting.has(keyOf(row))) continue;
        if (waiting.size >= WAITING) return;
        waiting.set(keyOf(row), row);
        drain(row);
      }
    },
    forget: (project, version) => {
      for (const one of running) {
        one.stale ||= one.row.project === project && one.row.version === version;
      }
      for (const row of queries.filesOf(project, version)) {
        verdicts.delete(keyOf(row));
        const unchecked = { state: "unchecked" as const, code: "", message: "" };
        index.setVerdict(row.project, row.filename, unchecked);
      }
    },
    view: async (row) => {
      const verdict = await check(row);
      const said = await describeStored(judged.files, view.registry, row);
      const now = queries.file(row.project, row.filename) ?? row;
      return { row: now, ...said, ...(verdict === undefined ? {} : { verdict }) };
    },
    close: async () => {
      closed = true;
      await tail;
    },
  };
};
