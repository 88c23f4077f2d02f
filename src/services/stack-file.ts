import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { utf8 } from "../formats/bytes.ts";
import { parseJson, readJson } from "../formats/json.ts";
import { stateHolder } from "./state-lock.ts";
import type { StackUrls } from "./trust-config.ts";

/** What a running stack says of itself in its state folder; nothing here is secret. */
export type StackFile = {
  readonly pid: number;
  readonly urls: StackUrls;
  /** Path of the ClientTrustConfig. */
  readonly trustConfig: string;
};

export const STACK_FILE = "stack.json";

const MAX_BYTES = 64 * 1024;

export const formatStackFile = (stack: StackFile): Uint8Array =>
  utf8(`${JSON.stringify({ version: 1, ...stack }, null, 2)}\n`);

/** The stack that runs on `folder`, if its process lives and holds the folder. */
export const findStack = async (folder: string): Promise<StackFile | undefined> => {
  const content = await readFile(join(folder, STACK_FILE)).catch(() => undefined);
  const json = content === undefined ? undefined : parseJson(content, MAX_BYTES, STACK_FILE);
  if (json?.ok !== true) return undefined;
  const stack = readJson(json.value, "STATE_CORRUPT", STACK_FILE, (file) => {
    const url = (name: string): string => file.field("urls").field(name).string();
    return {
      pid: file.field("pid").integer(),
      urls: {
        gitlab: url("gitlab"),
        fulcio: url("fulcio"),
        ctlog: url("ctlog"),
        rekor: url("rekor"),
        tsa: url("tsa"),
        tuf: url("tuf"),
      },
      trustConfig: file.field("trustConfig").string(),
    };
  });
  // A killed stack leaves its file behind; the lock tells who really has the folder.
  const holder = await stateHolder(folder);
  return stack.ok && stack.value.pid === holder ? stack.value : undefined;
};
