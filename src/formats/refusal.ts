import { type Failure, ok, type Result } from "./result.ts";

/**
 * A failure on its way out of a nested reader. Never leaves the layer: {@link catching} turns it
 * into a failed result, so that readers can be written as expressions.
 */
export class Refusal extends Error {
  readonly failure: Failure;
  constructor(refused: Failure) {
    super(refused.message);
    this.failure = refused;
  }
}

/** Runs `body`; a refusal inside becomes a failed result, everything else goes on as a bug. */
export const catching = <T>(body: () => T): Result<T> => {
  try {
    return ok(body());
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: error.failure };
    throw error;
  }
};
