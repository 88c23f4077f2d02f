import { resolve } from "node:path";
import { all, ok, type Result } from "../formats/result.ts";
import { ctLogSigner, precertificateKeys } from "./ctlog.ts";
import { type FsckReport, fsckLog } from "./log-fsck.ts";
import { rekorSigner } from "./rekor.ts";
import { keysOfBody } from "./rekor-entries.ts";
import { keysOfV2Body, rekorV2Signer } from "./rekor-v2.ts";
import { openRotations, wholeLine } from "./rotations.ts";
import { type NamedKey, openKeys } from "./stack-keys.ts";
import { CTLOG_HOST, logPath, REKOR_HOST } from "./stack-services.ts";
import { openState, type State } from "./state.ts";

export type LogReport = FsckReport & { readonly log: keyof typeof RULES; readonly path: string };

/**
 * Derives the logs of a state folder anew, those of replaced keys too. The stack must not be running on it: the folder is
 * held meanwhile.
 *
 * @returns `STATE_LOCKED`, `STATE_CORRUPT`, `FILE_UNREADABLE`; what is wrong inside a log is a
 * finding of its report
 */
export const fsckStack = async (folder: string): Promise<Result<LogReport[]>> => {
  const state = await openState(resolve(folder));
  if (!state.ok) return state;
  try {
    const rotations = await openRotations(state.value, [], Date.now);
    if (!rotations.ok) return rotations;
    const reports: Result<LogReport>[] = [];
    for (const log of ["rekor", "rekor-v2", "ctlog"] as const) {
      const keys = await openKeys(state.value, rotations.value, log);
      if (!keys.ok) return keys;
      for (const own of wholeLine(keys.value)) reports.push(await fsck(state.value, log, own));
    }
    return all(reports);
  } finally {
    await state.value.close();
  }
};

const RULES = {
  rekor: { signer: rekorSigner, hostname: REKOR_HOST, keysOf: keysOfBody },
  "rekor-v2": { signer: rekorV2Signer, hostname: REKOR_HOST, keysOf: keysOfV2Body },
  ctlog: { signer: ctLogSigner, hostname: CTLOG_HOST, keysOf: precertificateKeys },
} as const;

const fsck = async (
  state: State,
  log: LogReport["log"],
  own: NamedKey,
): Promise<Result<LogReport>> => {
  const { hostname, keysOf, signer } = RULES[log];
  const path = logPath(state, own);
  const report = await fsckLog({ path, signer: signer({ hostname, key: own.key }), keysOf });
  return report.ok ? ok({ ...report.value, log, path }) : report;
};
