import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { failure, type Result } from "../formats/result.ts";
import type { Progress } from "../monitor/follower.ts";
import { closePass, type Monitor, makePass } from "../monitor/monitor.ts";
import { openMonitorState } from "../monitor/monitor-state.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { type MonitorSetup, monitorSetup, monitorState } from "./monitor-setup.ts";
import { monitorFor } from "./monitor-world.ts";
import { exitCodeOfPass, passDocument, showPass } from "./render-monitor.ts";
import { readSettings, type Settings } from "./settings.ts";
import { ensureStack, profileOf } from "./stack.ts";
import type { Terminal } from "./terminal.ts";

/** Tells how far a long reading came, not more than once in a while. */
const progressOn = (terminal: Terminal, now: () => number): ((progress: Progress) => void) => {
  let last = now();
  return ({ log, read, size }) => {
    if (now() - last < 5000) return;
    last = now();
    terminal.err(`${log.url}: ${read} of ${size} entries`);
  };
};

/** Makes a pass and shows it; only then what it alarmed of counts as told. */
const pass = async (
  invocation: Invocation,
  monitor: Monitor,
  shown: Pick<MonitorSetup, "issues"> & { readonly spaces?: number },
): Promise<number> => {
  const made = await makePass(monitor);
  if (!made.ok) return refuse(invocation, made.error);
  const { flags, terminal } = invocation;
  const { issues, spaces } = shown;
  if (flags.json === true) terminal.out(JSON.stringify(passDocument(made.value), null, spaces));
  else showPass(issues === "-" ? { ...terminal, out: terminal.err } : terminal, made.value);
  closePass(monitor, made.value);
  return exitCodeOfPass(made.value);
};

/** Passes until interrupted; a pass that fails is made again after the pause. */
const follow = async (
  invocation: Invocation,
  { config, issues }: MonitorSetup,
  open: () => Promise<Result<Monitor>>,
): Promise<number> => {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  let last: Monitor | undefined;
  while (!stopped.signal.aborted) {
    const opened = await open();
    // A trust root that cannot be refreshed leaves the one that was.
    const refused = opened.ok ? 0 : refuse(invocation, opened.error);
    if (opened.ok) last = opened.value;
    if (last === undefined) return refused;
    await pass(invocation, last, { issues });
    await pause(config.interval, undefined, { signal: stopped.signal }).catch(() => undefined);
  }
  return 0;
};

/** Runs on the local stack, started where none is up, if that is the profile. */
const onStack = async (
  invocation: Invocation,
  settings: Settings,
  work: () => Promise<number>,
): Promise<number> => {
  const profile = profileOf(settings, "gitlab");
  if (!profile.ok) return refuse(invocation, profile.error);
  if (profile.value !== "local") return work();
  const stack = await ensureStack(invocation, settings);
  if (!stack.ok) return refuse(invocation, stack.error);
  try {
    return await work();
  } finally {
    await stack.value.close();
  }
};

/** `wheelseal monitor alarms`: every alarm so far, told or not, as a JSON array. */
const listAlarms = (invocation: Invocation): number => {
  const folder = monitorState(invocation);
  if (!existsSync(folder)) {
    return refuse(invocation, failure("CONFIG", `no monitor has run on ${folder}`));
  }
  const state = openMonitorState(folder, invocation.outside.now());
  if (!state.ok) return refuse(invocation, state.error);
  invocation.terminal.out(JSON.stringify(state.value.alarms(), null, 2));
  state.value.close();
  return 0;
};

/** `wheelseal monitor`: follows logs, and alarms when my identities sign what is not on record. */
export const monitorCommand: Command = async (invocation) => {
  const { flags, terminal, files, outside, operands } = invocation;
  const [action, ...more] = operands;
  if (action === "alarms" && more.length === 0) return listAlarms(invocation);
  if (action !== undefined) {
    return refuse(invocation, failure("USAGE", "monitor has one action: alarms"));
  }
  const setup = await monitorSetup(invocation);
  if (!setup.ok) return refuse(invocation, setup.error);
  // --state is the monitor's own here, not the local stack's.
  const { state: _, ...others } = flags;
  const settings = await readSettings({
    flags: others,
    env: terminal.env,
    project: terminal.cwd,
    files,
  });
  if (!settings.ok) return refuse(invocation, settings.error);
  const state = openMonitorState(setup.value.state, outside.now());
  if (!state.ok) return refuse(invocation, state.error);
  const report = progressOn(terminal, outside.now);
  const open = () => monitorFor(invocation, settings.value, setup.value, state.value, report);
  const follows = setup.value.config.interval !== undefined && flags.once !== true;
  const { issues } = setup.value;
  try {
    return await onStack(invocation, settings.value, async () => {
      if (follows) return follow(invocation, setup.value, open);
      const monitor = await open();
      if (!monitor.ok) return refuse(invocation, monitor.error);
      return pass(invocation, monitor.value, { issues, spaces: 2 });
    });
  } finally {
    state.value.close();
  }
};
