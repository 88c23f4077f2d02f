import { type Code, HINTS } from "./errors.ts";

/** An expected failure: a stable public code, what happened, and what to do about it. */
export type Failure = {
  readonly code: Code;
  /** One sentence about this case, with the values that matter; never a secret. */
  readonly message: string;
  /** What to do next, from the table of codes. */
  readonly hint: string;
};

/** What an operation gave, or why it could not: expected failures are values, never thrown. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Failure };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });

export const failure = (code: Code, message: string): Failure => ({
  code,
  message,
  hint: HINTS[code],
});

export const fail = (code: Code, message: string): { ok: false; error: Failure } => ({
  ok: false,
  error: failure(code, message),
});

/** The values of all results, or the first failure. */
export const all = <T>(results: readonly Result<T>[]): Result<T[]> => {
  const values: T[] = [];
  for (const result of results) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return ok(values);
};

/** For tests and for values that were checked before: the value, or a thrown bug. */
export const unwrap = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};
