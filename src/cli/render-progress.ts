import { visible } from "../formats/visible.ts";
import type { Report, StageEvent, StageName } from "../stages/events.ts";
import { paint, type Terminal } from "./terminal.ts";

/** Shows stages as they run: `report` takes their events, `close` ends the display. */
export type Progress = { readonly report: Report; readonly close: () => void };

const TITLES: Record<StageName, string> = {
  build: "Build",
  sign: "Sign",
  verify: "Verify",
  publish: "Publish",
  "publish-signatures": "Publish signatures",
  consume: "Consumer verification",
};

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** A live list on a terminal, collapsible sections in a GitLab job, plain lines elsewhere. */
export const progressFor = (terminal: Terminal, stages: readonly StageName[]): Progress => {
  if (terminal.live) return liveProgress(terminal, stages);
  return terminal.env.GITLAB_CI === "true" ? sectionProgress(terminal) : plainProgress(terminal);
};

const plainProgress = (terminal: Terminal): Progress => {
  const began = new Map<StageName, number>();
  const report = (event: StageEvent): void => {
    if (event.kind === "started") began.set(event.stage, event.at);
    const line = plainLine(terminal, event, event.at - (began.get(event.stage) ?? event.at));
    if (line !== undefined) terminal.err(line);
  };
  return { report, close: () => undefined };
};

const plainLine = (terminal: Terminal, event: StageEvent, took: number): string | undefined => {
  const title = TITLES[event.stage];
  switch (event.kind) {
    case "started":
      return `${paint(terminal, "bold", title)} …`;
    case "progress":
      return `  ${visible(event.message)}`;
    case "output":
      return event.text
        .trimEnd()
        .split("\n")
        .map((line) => paint(terminal, "dim", `  | ${visible(line)}`))
        .join("\n");
    case "finished":
      return `${paint(terminal, "green", "✓")} ${title}: ${visible(event.summary)} (${seconds(took)})`;
    case "failed":
      return `${paint(terminal, "red", "✗")} ${title}: ${event.failure.code} (${seconds(took)})`;
    default:
      return event satisfies never;
  }
};

/** GitLab's markers around each stage: the job log folds what went well. */
const sectionProgress = (terminal: Terminal): Progress => {
  const plain = plainProgress(terminal);
  const marker = (kind: "start" | "end", event: StageEvent): string => {
    const name = `wheelseal_${event.stage.replaceAll("-", "_")}`;
    const options = kind === "start" ? "[collapsed=true]" : "";
    return `\u001b[0Ksection_${kind}:${Math.floor(event.at / 1000)}:${name}${options}\r\u001b[0K`;
  };
  const report = (event: StageEvent): void => {
    if (event.kind === "started") {
      terminal.err(`${marker("start", event)}${TITLES[event.stage]}`);
    }
    if (event.kind === "finished" || event.kind === "failed") terminal.err(marker("end", event));
    plain.report(event);
  };
  return { report, close: plain.close };
};

type Row = { state: "waiting" | "running" | "done" | "failed"; note: string; took: number };

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME = 100;
const KEPT_OUTPUT = 40;

const openDisplay = async () => {
  const { createLogUpdate } = await import("log-update");
  return createLogUpdate(process.stderr, { showCursor: false });
};

const liveProgress = (terminal: Terminal, stages: readonly StageName[]): Progress => {
  const rows = new Map<StageName, Row>(
    stages.map((stage) => [stage, { state: "waiting", note: "", took: 0 }]),
  );
  const kept: string[] = [];
  let started = 0;
  let frame = 0;
  let display: Awaited<ReturnType<typeof openDisplay>> | undefined;
  let closed = false;
  const text = (): string =>
    [...rows].map(([stage, row]) => liveLine(terminal, stage, row, frame)).join("\n");
  const draw = (): void => {
    frame += 1;
    display?.(text());
  };
  // Only here is a terminal, so only here is what draws on one loaded.
  void openDisplay().then((opened) => {
    if (closed) return;
    display = opened;
    draw();
  });
  const timer = setInterval(draw, FRAME);
  timer.unref();
  const report = (event: StageEvent): void => {
    if (event.kind === "started") started = event.at;
    if (event.kind === "output") kept.push(...event.text.trimEnd().split("\n"));
    rows.set(event.stage, nextRow(rows.get(event.stage), event, event.at - started));
    draw();
  };
  const close = (): void => {
    clearInterval(timer);
    closed = true;
    draw();
    if (display === undefined) terminal.err(text());
    else display.done();
    // What a program printed matters only where it failed.
    if (![...rows.values()].some((row) => row.state === "failed")) return;
    for (const line of kept.slice(-KEPT_OUTPUT)) terminal.err(`  | ${visible(line)}`);
  };
  return { report, close };
};

const nextRow = (row: Row | undefined, event: StageEvent, took: number): Row => {
  const before = row ?? { state: "running", note: "", took: 0 };
  switch (event.kind) {
    case "started":
      return { state: "running", note: "", took: 0 };
    case "progress":
      return { ...before, note: event.message, took };
    case "output":
      return { ...before, note: event.text.trimEnd().split("\n").at(-1) ?? "", took };
    case "finished":
      return { state: "done", note: event.summary, took };
    case "failed":
      return { state: "failed", note: event.failure.code, took };
    default:
      return event satisfies never;
  }
};

const liveLine = (terminal: Terminal, stage: StageName, row: Row, frame: number): string => {
  const title = TITLES[stage].padEnd(22);
  const note = visible(row.note).slice(0, Math.max(0, terminal.columns - 36));
  switch (row.state) {
    case "waiting":
      return paint(terminal, "dim", `  ${title}`);
    case "running":
      return `${paint(terminal, "cyan", SPINNER[frame % SPINNER.length] ?? "")} ${title}${paint(terminal, "dim", note)}`;
    case "done":
      return `${paint(terminal, "green", "✓")} ${title}${seconds(row.took).padStart(7)}  ${note}`;
    case "failed":
      return `${paint(terminal, "red", "✗")} ${title}${seconds(row.took).padStart(7)}  ${note}`;
    default:
      return row.state satisfies never;
  }
};
