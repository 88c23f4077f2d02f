import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { systemRandom } from "../crypto/random.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Service } from "./stack-routes.ts";
import { replaceFile, type State } from "./state.ts";
import { disk } from "./storage.ts";

/**
 * Counts starts, stops and changes of a state folder, in it and in a file beside it, so that an
 * older copy of the whole folder is noticed. The folder counts first: a process that is killed in
 * between leaves it ahead, which is no alarm.
 */
export type Generation = {
  /** Counts what changed, soon: many changes at the same time are one. */
  changed(): void;
  /** Counts a last time. */
  close(): Promise<void>;
};

const COUNTER = "generation";
const IDENTITY = "generation-id";
const MAX_BYTES = 4096;
/** Milliseconds in which changes are counted together, since each count is flushed to the disk. */
const SOON = 1000;

/** The file beside a state folder. */
export const witnessOf = (folder: string): string => `${resolve(folder)}.generation.json`;

/**
 * Compares a folder with the file beside it. Where that file is not there or is about another
 * folder, it begins anew; where it cannot be written, nothing is held against it later.
 *
 * Fails with STATE_ROLLED_BACK for a folder that is older than the file says, and for a file that
 * is none; FILE_UNWRITABLE where the folder cannot be written.
 */
export const openGeneration = async (
  state: State,
  witness: string,
  soon = SOON,
): Promise<Result<Generation>> => {
  const kept = await state.keep(IDENTITY, () => systemRandom(16));
  if (!kept.ok) return kept;
  const identity = hex(kept.value);
  const seen = await readWitness(witness);
  if (!seen.ok) return seen;
  const counted = new TextDecoder().decode(await state.read(COUNTER));
  let count = /^\d{1,15}$/.test(counted) ? Number(counted) : 0;
  if (seen.value?.identity === identity && seen.value.count > count) {
    const ago = `${state.folder} is at generation ${count}`;
    return fail("STATE_ROLLED_BACK", `${ago}, ${witness} has seen ${seen.value.count}`);
  }
  const step = async (): Promise<Result<void>> => {
    const written = await state.write(COUNTER, utf8(String(count + 1)));
    if (!written.ok) return written;
    count += 1;
    const content = `${JSON.stringify({ version: 1, identity, count })}\n`;
    const place = { folder: dirname(witness), storage: disk };
    // A folder may stand where nothing else can be written, for example in a container.
    await replaceFile(place, basename(witness), utf8(content));
    return ok(undefined);
  };
  const first = await step();
  return first.ok ? ok(counting(step, soon)) : first;
};

const counting = (step: () => Promise<unknown>, soon: number): Generation => {
  let timer: NodeJS.Timeout | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  const next = (): Promise<unknown> => {
    tail = tail.then(step);
    return tail;
  };
  return {
    changed: () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void next();
      }, soon).unref();
    },
    close: async () => {
      clearTimeout(timer);
      await next();
    },
  };
};

type Witness = { readonly identity: string; readonly count: number };

const readWitness = async (path: string): Promise<Result<Witness | undefined>> => {
  const content = await readFile(path).catch(() => undefined);
  if (content === undefined) return ok(undefined);
  const json = parseJson(content, MAX_BYTES, path);
  if (!json.ok) return fail("STATE_ROLLED_BACK", `${path} cannot be read: ${json.error.message}`);
  return readJson(json.value, "STATE_ROLLED_BACK", path, (file) => {
    if (file.field("version").integer() !== 1) file.refuse("has an unknown version");
    return { identity: file.field("identity").string(), count: file.field("count").integer() };
  });
};

/** The same service; each answer by which something may have changed is counted, if at all. */
export const counted = (service: Service, generation: Generation | undefined): Service => {
  if (generation === undefined) return service;
  const fetch = async (request: Request): Promise<Response> => {
    const response = await service.fetch(request);
    if (!["GET", "HEAD"].includes(request.method) && response.ok) generation.changed();
    return response;
  };
  return { fetch };
};
