import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chance, chanceFrom } from "../fuzz/mutate.ts";
import { type FailingDisk, failingDisk, SOUND } from "./disk.ts";
import type { Faults } from "./disk-database.ts";

/** Something that must never be was seen. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export const holds = (truth: boolean, otherwise: string): void => {
  if (!truth) throw new Violation(otherwise);
};

/** Breaks the program under test on purpose, to see that the simulation would tell. */
export type Sabotage =
  | "answers-early"
  | "skips-file-sync"
  | "skips-folder-sync"
  | "forgets-commits"
  | "forgets-everything";

/** One life of a program on a disk, from its start to the loss of power. */
export type World = {
  readonly chance: Chance;
  readonly disk: FailingDisk;
  /** A clock that goes forward, and sometimes back. */
  readonly now: () => number;
  readonly sabotage: Sabotage | undefined;
};

export type Counts = { cuts: number; changes: number; answers: number; refusals: number };

/** A program whose promises are kept across losses of power, or not. */
export type Simulated = {
  readonly name: string;
  /** What its disk may do wrong, one of them for each seed. */
  readonly faults: readonly Faults[];
  /** Begins the books of one seed. */
  begin(world: World, counts: Counts): Life;
};

export type Life = {
  /**
   * Starts the program on what is left, checks every promise, then works until the power goes or
   * enough was done. Gives `refused` where it will not start on what the disk lost by lying.
   */
  live(rounds: number): Promise<"lived" | "refused">;
};

/** Memory where there is such a folder: what is simulated needs no real disk. */
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const LIVES = 4;

/** Runs one seed. Throws a {@link Violation} where a promise was broken. */
export const simulate = async (
  simulated: Simulated,
  seed: number,
  counts: Counts,
  sabotage?: Sabotage,
): Promise<void> => {
  const chance = chanceFrom(Math.imul(seed, 0x9e3779b1));
  for (let warm = 0; warm < 8; warm += 1) chance(2);
  const faults = simulated.faults[chance(simulated.faults.length)] ?? SOUND;
  const disk = failingDisk(mkdtempSync(join(SCRATCH, "wheelseal-sim-")), chance, faults);
  let clock = 1_700_000_000_000;
  const now = (): number => {
    clock += chance(50) === 0 ? -chance(60_000) : chance(500);
    return clock;
  };
  try {
    const life = simulated.begin({ chance, disk, now, sabotage }, counts);
    for (let lives = 0; lives < LIVES; lives += 1) {
      disk.cutAfter(1 + chance(60));
      if ((await life.live(1 + chance(8))) === "refused") {
        counts.refusals += 1;
        return;
      }
      await settled();
      disk.restart(lives === LIVES - 2 ? SOUND : faults);
      counts.cuts += 1;
    }
    await life.live(0);
  } finally {
    counts.changes += disk.changes();
    disk.dispose();
  }
};

/** What still waits in a program without power finds out. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn += 1) await new Promise(setImmediate);
};

export const noCounts = (): Counts => ({ cuts: 0, changes: 0, answers: 0, refusals: 0 });
