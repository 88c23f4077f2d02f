import { join, resolve } from "node:path";
import { all, ok, type Result } from "../formats/result.ts";
import { ctLogSigner, precertificateKeys } from "./ctlog.ts";
import { type FsckReport, fsckLog } from "./log-fsck.ts";
import { rekorSigner } from "./rekor.ts";
import { keysOfBody } from "./rekor-entries.ts";
import { CTLOG_HOST, REKOR_HOST } from "./stack-services.ts";
import { openState, type State } from "./state.ts";

export type LogReport = FsckReport & { readonly log: "rekor" | "ctlog"; readonly path: string };

/**
 * Derives both logs of a state folder anew. The stack must not be running on it: the folder is
 * held meanwhile.
 *
 * @returns `STATE_LOCKED`, `STATE_CORRUPT`, `FILE_UNREADABLE`; what is wrong inside a log is a
 * finding of its report
 */
export const fsckStack = async (folder: string): Promise<Result<LogReport[]>> => {
  const state = await openState(resolve(folder));
  if (!state.ok) return state;
  try {
    return all([await fsckRekor(state.value), await fsckCtLog(state.value)]);
  } finally {
    await state.value.close();
  }
};

const fsckRekor = async (state: State): Promise<Result<LogReport>> => {
  const key = await state.key("rekor", "ecdsa-p256");
  if (!key.ok) return key;
  const path = join(state.folder, "rekor.db");
  const signer = rekorSigner({ hostname: REKOR_HOST, key: key.value });
  const report = await fsckLog({ path, signer, keysOf: keysOfBody });
  return report.ok ? ok({ ...report.value, log: "rekor", path }) : report;
};

const fsckCtLog = async (state: State): Promise<Result<LogReport>> => {
  const key = await state.key("ctlog", "ecdsa-p256");
  if (!key.ok) return key;
  const path = join(state.folder, "ctlog.db");
  const signer = ctLogSigner({ hostname: CTLOG_HOST, key: key.value });
  const report = await fsckLog({ path, signer, keysOf: precertificateKeys });
  return report.ok ? ok({ ...report.value, log: "ctlog", path }) : report;
};
