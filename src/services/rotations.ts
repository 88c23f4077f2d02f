import { utf8 } from "../formats/bytes.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { State } from "./state.ts";

/** The keys of the stack that can be replaced; those of the TUF repository have roots of their own. */
export const ROTATED_KEYS = ["issuer", "ca", "ctlog", "rekor", "rekor-v2", "tsa"] as const;

export type RotatedKey = (typeof ROTATED_KEYS)[number];

/** When a key was in use, milliseconds since 1970, whole seconds; no end for the current one. */
export type Use = {
  /** `undefined` for the first key: since the stack was made. */
  readonly from: number | undefined;
  readonly until: number | undefined;
};

/** The how manieth key of its kind, from 1 on. */
export type Generation = Use & { readonly number: number };

/** The keys of one kind, or what is made with them: those that were replaced, oldest first. */
export type Line<T> = { readonly earlier: readonly (T & Use)[]; readonly current: T & Use };

type Rotation = { readonly keys: readonly RotatedKey[]; readonly at: number };

/** A trusted root that lists more than 64 of a kind is refused by its readers. */
const MAX_GENERATIONS = 30;
const MAX_ROTATIONS = MAX_GENERATIONS * ROTATED_KEYS.length;
const MAX_FILE = 4096;

const fileName = (number: number): string => `rotation-${number}.json`;

const readRotation = (json: Json): Rotation => {
  const keys = json
    .field("keys")
    .items(ROTATED_KEYS.length)
    .map((key) => ROTATED_KEYS.find((name) => name === key.string()) ?? key.refuse("is unknown"));
  return { keys, at: json.field("at").integer() };
};

const parseRotation = (bytes: Uint8Array, number: number): Result<Rotation> => {
  const json = parseJson(bytes, MAX_FILE, fileName(number));
  if (!json.ok) return fail("STATE_CORRUPT", `${fileName(number)}: ${json.error.message}`);
  return readJson(json.value, "STATE_CORRUPT", fileName(number), readRotation);
};

const loadRotations = async (state: State): Promise<Result<Rotation[]>> => {
  const rotations: Rotation[] = [];
  for (;;) {
    const number = rotations.length + 1;
    const bytes = await state.kept(fileName(number));
    if (!bytes.ok) return bytes;
    if (bytes.value === undefined) return ok(rotations);
    const rotation = parseRotation(bytes.value, number);
    if (!rotation.ok) return rotation;
    rotations.push(rotation.value);
  }
};

const SECOND = 1000;

/** Windows are written and times proven in whole seconds, so that both meet in the same one. */
const generationsOf = (rotations: readonly Rotation[], key: RotatedKey): Generation[] => {
  const times = rotations.filter(({ keys }) => keys.includes(key)).map(({ at }) => at);
  const from = [undefined, ...times.map((at) => Math.floor(at / SECOND) * SECOND)];
  const until = [...times.map((at) => Math.ceil(at / SECOND) * SECOND), undefined];
  return from.map((start, at) => ({ number: at + 1, from: start, until: until[at] }));
};

/** What a folder's rotations say of each key. */
export type Rotations = { generations(key: RotatedKey): readonly Generation[] };

/**
 * Reads which keys were replaced and when, and writes down that `rotate` are replaced now.
 *
 * Fails with CLOCK_SKEW where that would be before an earlier rotation, CONFIG where a kind
 * of key has been replaced too often, and as the state fails.
 */
export const openRotations = async (
  state: State,
  rotate: readonly RotatedKey[],
  now: () => number,
): Promise<Result<Rotations>> => {
  const loaded = await loadRotations(state);
  if (!loaded.ok) return loaded;
  const rotations = loaded.value;
  if (rotate.length > 0) {
    const added = await addRotation(state, rotations, { keys: rotate, at: now() });
    if (!added.ok) return added;
    rotations.push(added.value);
  }
  return ok({ generations: (key) => generationsOf(rotations, key) });
};

const addRotation = async (
  state: State,
  before: readonly Rotation[],
  rotation: Rotation,
): Promise<Result<Rotation>> => {
  const last = before.at(-1)?.at ?? 0;
  if (rotation.at < last) {
    const [now, then] = [rfc3339(rotation.at), rfc3339(last)];
    return fail("CLOCK_SKEW", `this machine's clock says ${now}, and keys were rotated at ${then}`);
  }
  const spent = rotation.keys.find((key) => generationsOf(before, key).length >= MAX_GENERATIONS);
  if (spent !== undefined || before.length >= MAX_ROTATIONS) {
    return fail(
      "CONFIG",
      `the key ${spent ?? "of this stack"} was rotated ${MAX_GENERATIONS} times`,
    );
  }
  const number = before.length + 1;
  const kept = await state.keep(fileName(number), () => utf8(`${JSON.stringify(rotation)}\n`));
  return kept.ok ? parseRotation(kept.value, number) : kept;
};

/** The name of a generation's files: the first has that of its kind alone. */
export const generationName = (name: string, { number }: Generation): string =>
  number === 1 ? name : `${name}-${number}`;

/** Opens what belongs to each generation. */
export const openLine = async <T extends object>(
  generations: readonly Generation[],
  open: (generation: Generation) => Promise<Result<T>>,
): Promise<Result<Line<T>>> => {
  const line: (T & Use)[] = [];
  for (const generation of generations) {
    const opened = await open(generation);
    if (!opened.ok) return opened;
    line.push({ ...opened.value, from: generation.from, until: generation.until });
  }
  const current = line.pop();
  if (current === undefined) throw new Error("a line without a generation");
  return ok({ earlier: line, current });
};

/** All of a line, oldest first. */
export const wholeLine = <T>({ earlier, current }: Line<T>): readonly (T & Use)[] => [
  ...earlier,
  current,
];
