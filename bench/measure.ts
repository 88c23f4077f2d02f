import { spawn } from "node:child_process";

/** Measured values of one contender, in seconds, in the order of the rounds. */
export type Samples = readonly number[];

export type Contender = () => Promise<number>;

/**
 * Runs contenders in turn, A B C A B C …, so that what the machine does besides falls on all.
 * The first round of all is not counted. Each gives the seconds that it took.
 */
export const alternate = async <Name extends string>(
  runs: number,
  contenders: Readonly<Record<Name, Contender | undefined>>,
): Promise<Partial<Record<Name, Samples>>> => {
  const there = Object.entries(contenders).filter(([, one]) => one !== undefined) as [
    Name,
    Contender,
  ][];
  const samples = new Map<Name, number[]>(there.map(([name]) => [name, []]));
  for (let round = 0; round <= runs; round += 1) {
    for (const [name, contender] of there) {
      const seconds = await contender();
      if (round > 0) samples.get(name)?.push(seconds);
    }
  }
  return Object.fromEntries(samples) as unknown as Partial<Record<Name, Samples>>;
};

export const median = (values: Samples): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};

/** The value below which `part` of all lie. */
export const quantile = (values: Samples, part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
};

/** a / b, round by round. */
export const ratios = (a: Samples, b: Samples): number[] =>
  a.map((value, at) => value / (b[at] ?? Number.NaN));

const figures = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** `median (least to most)` of seconds, in seconds or milliseconds. */
export const time = (samples: Samples): string => {
  const inSeconds = median(samples) >= 1;
  const show = (value: number): string => figures(inSeconds ? value : value * 1000);
  const spread = `${show(Math.min(...samples))} to ${show(Math.max(...samples))}`;
  return `${show(median(samples))} ${inSeconds ? "s" : "ms"} (${spread})`;
};

/** `median × (least to most)`. */
export const times = (values: Samples): string =>
  `${figures(median(values))} × (${figures(Math.min(...values))} to ${figures(Math.max(...values))})`;

export const number = (value: number): string => Math.round(value).toLocaleString("en-US");

export type Command = {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
};

/** Runs a program to its end, which must be a success, and gives the seconds by the clock. */
export const timed = ({ program, args, env, cwd }: Command): Promise<number> =>
  new Promise((done, failed) => {
    const started = performance.now();
    const child = spawn(program, args, { env, cwd, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said = (said + text).slice(-2000);
    });
    child.on("error", failed);
    child.on("close", (code) => {
      if (code === 0) done((performance.now() - started) / 1000);
      else
        failed(new Error(`${program} ${args.slice(0, 3).join(" ")} ended with ${code}: ${said}`));
    });
  });
