import { exitCodeOf } from "../formats/exit-code.ts";
import type { Failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { isOutage } from "../monitor/follow-tree.ts";
import type { TreeOutcome } from "../monitor/follower.ts";
import type { Pass } from "../monitor/monitor.ts";
import { showFailure } from "./render-failure.ts";
import { paint, type Terminal } from "./terminal.ts";

/** Every failure of a pass, the gravest first: alarms outweigh outages. */
const failuresOf = ({ trees, untold }: Pass): Failure[] => {
  const all = [...trees.flatMap(({ failure }) => failure ?? []), ...(untold ? [untold] : [])];
  return all.toSorted((a, b) => Number(isOutage(a.code)) - Number(isOutage(b.code)));
};

/** 0 nothing, 1 an alarm or a log that does not behave, 3 a log or webhook out of reach. */
export const exitCodeOfPass = (pass: Pass): number => {
  if (pass.alarms.length > 0) return 1;
  const [first] = failuresOf(pass);
  return first === undefined ? 0 : exitCodeOf(first.code);
};

/** The pass as one JSON document. */
export const passDocument = (pass: Pass): unknown => {
  const [error] = [...pass.alarms, ...failuresOf(pass)];
  return {
    ok: exitCodeOfPass(pass) === 0,
    ...(error === undefined
      ? {}
      : { error: { code: error.code, message: error.message, hint: error.hint } }),
    ...pass,
  };
};

const counted = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;

const treeLine = ({ url, origin, read, followed, size, counts }: TreeOutcome): string => {
  const { mine, known, impostors, unreadable } = counts;
  const numbers: readonly (readonly [number, string])[] = [
    [mine, "by watched identities"],
    [known, "of them known"],
    [impostors, "of an untrusted authority"],
    [unreadable, "unreadable"],
  ];
  const told = numbers.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  const where = origin === "" ? url : `${url} (${visible(origin)})`;
  const fresh = counted(read, "new entry", "new entries");
  return `${where}: ${fresh}, up to ${followed} of ${size}${told.join("")}`;
};

/** Prints a pass for a person. */
export const showPass = (terminal: Terminal, pass: Pass): void => {
  const { trees, alarms, waiting, records } = pass;
  for (const tree of trees) terminal.out(treeLine(tree));
  const malformed = records.malformed.length;
  const parts = [
    counted(records.files, "record", "records"),
    ...(malformed > 0 ? [`${malformed} malformed`] : []),
    counted(alarms.length, "alarm", "alarms"),
    ...(waiting > 0 ? [`${counted(waiting, "signature", "signatures")} without a record yet`] : []),
  ];
  terminal.out(parts.join(", "));
  for (const { file, failure } of records.malformed) {
    terminal.err(`warning[${failure.code}]: ${visible(`${file}: ${failure.message}`)}`);
  }
  for (const { code, message, hint, log } of alarms) {
    const where = log.origin || log.url;
    terminal.err(`${paint(terminal, "red", `alarm[${code}]:`)} ${visible(`${where}: ${message}`)}`);
    terminal.err(`${paint(terminal, "cyan", "hint:")} ${hint}`);
  }
  const alarmed = new Set(alarms.map(({ message }) => message));
  for (const failure of failuresOf(pass)) {
    if (!alarmed.has(failure.message)) showFailure(terminal, failure);
  }
};
