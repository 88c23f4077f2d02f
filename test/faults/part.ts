/** What a part of the fault suite is told. */
export type Run = {
  /** Everything that is left to chance follows from it. */
  readonly seed: number;
  /** How long parts without an end of their own go on. */
  readonly seconds: number;
  /** How many seeds each simulation gets. */
  readonly seeds: number;
  readonly say: (line: string) => void;
};

/** One part of the suite: gives a line of numbers, and throws at the first broken promise. */
export type Part = {
  readonly name: string;
  readonly about: string;
  readonly run: (run: Run) => Promise<string>;
};
