/** The world that clients act in; always an argument, so that tests can be the world. */
export type Outside = {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** `length` unpredictable bytes. */
  readonly random: (length: number) => Uint8Array;
};

/** The real clock and network of this process; randomness is given, since crypto has it. */
export const outsideWith = (random: Outside["random"]): Outside => ({
  fetch: globalThis.fetch,
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  random,
});
