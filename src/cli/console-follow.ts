/** Brings the index up to date in small steps, so that what is served meanwhile does not wait. */
export type Follower = {
  /** Begins at once, if it is not at it already. */
  poke(): void;
  /** Whether all was read that was there at the call, at the latest after `patience` ms. */
  settle(patience: number): Promise<boolean>;
  close(): Promise<void>;
};

/**
 * @param step - reads a little; gives whether there may be more. What it throws ends this round.
 * @param failed - told what a step threw
 */
export const openFollower = (
  step: () => Promise<boolean> | boolean,
  failed: (error: unknown) => void,
): Follower => {
  let closed = false;
  let asked = false;
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    while (asked && !closed) {
      asked = false;
      try {
        while (!closed && (await step())) await new Promise((resume) => setImmediate(resume));
      } catch (error) {
        failed(error);
      }
    }
    running = undefined;
  };
  const poke = (): void => {
    asked = true;
    running ??= run();
  };
  return {
    poke,
    settle: async (patience) => {
      poke();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<boolean>((resume) => {
        timer = setTimeout(() => resume(false), patience);
      });
      const read = await Promise.race([running?.then(() => true), late]);
      clearTimeout(timer);
      return read ?? true;
    },
    close: async () => {
      closed = true;
      await running;
    },
  };
};
