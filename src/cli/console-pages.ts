import type {
  Consistency,
  EntryView,
  FileRow,
  FileView,
  GrowthPoint,
  Paged,
  SigningRow,
  TreeHeadRow,
  WaiverRow,
} from "../web/console.ts";
import { eventsBody, overviewBody, waiversBody } from "../web/console-events.ts";
import {
  CHART_DAYS,
  entryBody,
  type Found,
  logBody,
  signerBody,
  signingsBody,
} from "../web/console-log.ts";
import { fileBody, packageBody, packagesBody } from "../web/console-packages.ts";
import { link } from "../web/console-shell.ts";
import type { Asked, Pages, Shown } from "./console-http.ts";
import type { ConsoleQueries } from "./console-queries.ts";

/** The log that the console's own process holds. */
export type OwnLog = {
  readonly heads: () => readonly TreeHeadRow[];
  readonly growth: () => readonly GrowthPoint[];
  readonly withDigest: (sha256: string) => readonly SigningRow[];
  readonly entry: (index: number) => EntryView | undefined;
  readonly consistency: (first: number, second: number) => Consistency | undefined;
};

/** Where the pages have from what they show. */
export type ConsoleSource = {
  readonly queries: ConsoleQueries;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Waits a little for the lists to be up to date; gives how many entries they are behind. */
  readonly settle: () => Promise<number>;
  readonly file: (row: FileRow) => Promise<FileView>;
  /** Who is expected to publish a package, in words. */
  readonly publisher: (project: string) => Promise<string | undefined>;
  /** Told which files are shown, so that those nobody verified yet are. */
  readonly shown: (rows: readonly FileRow[]) => void;
  readonly log: OwnLog | undefined;
  readonly waivers: () => { readonly rows: readonly WaiverRow[]; readonly policy: string };
  /** What the pages say of themselves. */
  readonly leads: Readonly<Record<"overview" | "packages" | "log" | "refusals", string>>;
};

const DAY = 86_400_000;
const MAX_QUERY = 2048;

const number = (text: string | null | undefined, otherwise: number): number =>
  text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : otherwise;

const before = ({ query }: Asked): number => number(query.get("before"), Number.MAX_SAFE_INTEGER);

const textOf = ({ query }: Asked): string => (query.get("q") ?? "").trim().slice(0, MAX_QUERY);

type Page = (source: ConsoleSource, asked: Asked, behind: number) => Promise<Shown> | Shown;

const overview: Page = ({ queries, log, leads }, _asked, behind) => ({
  area: "",
  title: "Overview",
  lead: leads.overview,
  behind,
  body: overviewBody({
    totals: queries.totals(),
    bad: queries.events(["refused", "alarm", "identity"], Number.MAX_SAFE_INTEGER).rows.slice(0, 5),
    latest: queries.events(["accepted"], Number.MAX_SAFE_INTEGER).rows.slice(0, 8),
    signers: queries.signers(undefined).rows.slice(0, 5),
    heads: log?.heads() ?? [],
  }),
});

const packages: Page = ({ queries, leads }, asked, behind) => {
  const prefix = textOf(asked).toLowerCase();
  const after = asked.query.get("after")?.slice(0, MAX_QUERY) ?? "";
  const list = queries.packages(after, prefix, false);
  const refused = after === "" ? queries.packages("", prefix, true) : { rows: [] };
  const body = packagesBody(list, refused, prefix);
  return { area: "packages", title: "Packages", lead: leads.packages, behind, body };
};

const onePackage: Page = async ({ queries, publisher, shown }, asked, behind) => {
  const project = asked.parts[1] ?? "";
  const row = queries.package(project);
  if (row === undefined) return undefined;
  const list = queries.files(project, before(asked));
  shown(list.rows);
  const body = packageBody(row, list, await publisher(project));
  return { area: "packages", title: project, behind, body };
};

const oneFile: Page = async ({ queries, file }, { parts }) => {
  const row = queries.file(parts[1] ?? "", parts[2] ?? "");
  if (row === undefined) return undefined;
  return { area: "packages", title: row.filename, body: fileBody(await file(row)) };
};

const DIGEST = /^(?:sha256:)?([0-9a-fA-F]{64})$/;

const find = ({ queries, log }: ConsoleSource, asked: Asked): Found => {
  const query = textOf(asked);
  const from = before(asked);
  const none = { query, signings: { rows: [] }, files: [], signers: [] };
  if (query === "") return { ...none, signings: queries.signings(undefined, from) };
  const digest = DIGEST.exec(query)?.[1]?.toLowerCase();
  if (digest !== undefined) {
    const signings =
      log === undefined
        ? queries.signings({ by: "sha256", value: digest }, from)
        : { rows: log.withDigest(digest) };
    return { ...none, signings, files: queries.filesWithDigest(digest) };
  }
  if (/^\d{1,15}$/.test(query)) {
    return { ...none, signings: queries.signings({ by: "entry", value: Number(query) }, from) };
  }
  const signers = queries.signersNamed(query);
  const [signer] = signers;
  const signings: Paged<SigningRow> =
    signer === undefined
      ? { rows: [] }
      : queries.signings({ by: "signer", value: signer.id }, from);
  return { ...none, signers, signings };
};

const logPage: Page = (source, asked, behind) => {
  const { log, leads } = source;
  const first = number(asked.query.get("first"), 0);
  const second = number(asked.query.get("second"), 0);
  const found = find(source, asked);
  const body = logBody({
    heads: log?.heads() ?? [],
    growth: found.query === "" ? log?.growth() : undefined,
    found,
    consistency: log?.consistency(first, second),
    own: log !== undefined,
  });
  return { area: "log", title: "Log", lead: leads.log, behind, body };
};

const entry: Page = ({ log }, { parts }) => {
  const view = log?.entry(number(parts[1], -1));
  if (view === undefined) return undefined;
  return {
    area: "log",
    title: `Entry ${view.index}`,
    lead: "What the log holds. The certificate was checked by the authority's and the log's rules when it came, and is not verified against any expectation here.",
    body: entryBody(view),
  };
};

const signings: Page = ({ queries, now }, asked, behind) => {
  const today = Math.floor(now() / DAY);
  const days = queries.days(0, today - CHART_DAYS + 1);
  const list = queries.signers(asked.query.get("before") ?? undefined);
  return { area: "signings", title: "Signings", behind, body: signingsBody(list, days, today) };
};

const oneSigner: Page = ({ queries, now, log }, asked, behind) => {
  const row = queries.signer(number(asked.parts[1], 0));
  if (row === undefined) return undefined;
  const today = Math.floor(now() / DAY);
  const days = queries.days(row.id, today - CHART_DAYS + 1);
  const list = queries.signings({ by: "signer", value: row.id }, before(asked));
  const body = signerBody(row, list, days, { today, own: log !== undefined });
  return { area: "signings", title: "One signer", behind, body };
};

const refusals: Page = ({ queries, leads }, asked, behind) => {
  const list = queries.events(["refused", "alarm"], before(asked));
  const texts = { caption: "Refusals", none: "Nothing was refused." };
  const body = eventsBody(list, link("refusals"), texts);
  return { area: "refusals", title: "Refusals", lead: leads.refusals, behind, body };
};

const changes: Page = ({ queries }, asked, behind) => {
  const list = queries.events(["alarm", "identity"], before(asked));
  const texts = { caption: "Changes", none: "No publisher changed, and there was no alarm." };
  const lead =
    "Files that were signed by somebody else than the file of the package before them, and alarms.";
  const body = eventsBody(list, link("changes"), texts);
  return { area: "changes", title: "Identity changes and alarms", lead, behind, body };
};

const waivers: Page = (source) => {
  const { rows, policy } = source.waivers();
  const lead =
    "Exceptions from the policy: what may be absent, who answers for it, and until when.";
  return { area: "waivers", title: "Waivers", lead, body: waiversBody(rows, source.now(), policy) };
};

const LISTS: Readonly<Record<string, Page>> = {
  packages,
  log: logPage,
  signings,
  refusals,
  changes,
  waivers,
};

const pageFor = ([area, one, two, ...more]: readonly string[]): Page | undefined => {
  if (more.length > 0) return undefined;
  if (area === undefined) return overview;
  if (one === undefined) return Object.hasOwn(LISTS, area) ? LISTS[area] : undefined;
  if (area === "packages") return two === undefined ? onePackage : oneFile;
  if (two !== undefined) return undefined;
  if (area === "log") return entry;
  return area === "signings" ? oneSigner : undefined;
};

/** The pages of the console, by their paths. */
export const consolePages =
  (source: ConsoleSource): Pages =>
  async (asked) => {
    const page = pageFor(asked.parts);
    if (page === undefined) return undefined;
    return page(source, asked, await source.settle());
  };
