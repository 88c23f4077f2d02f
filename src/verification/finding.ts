import type { Code } from "../formats/errors.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Check, CheckName } from "./verdict.ts";

/** What one check came to: its line for the report, and the value or failure it gives. */
export type Finding<T> = { readonly check: Check; readonly result: Result<T> };

/** The two sides of a comparison, as text. */
export type Compared = { readonly expected: string; readonly actual: string };

export const passed = <T>(
  name: CheckName,
  value: T,
  detail: string,
  compared?: Compared,
): Finding<T> => ({
  check: { name, status: "passed", detail, ...compared },
  result: ok(value),
});

/** The evidence has no such thing, and the rules do not demand it. */
export const absent = <T>(name: CheckName, value: T, detail: string): Finding<T> => ({
  check: { name, status: "absent", detail },
  result: ok(value),
});

export const refused = (
  name: CheckName,
  code: Code,
  message: string,
  compared?: Compared,
): Finding<never> => ({
  check: { name, status: "failed", detail: message, ...compared },
  result: fail(code, message),
});

/** A failure that a parser or another layer gave, as the outcome of check `name`. */
export const refusedAs = (
  name: CheckName,
  result: { ok: false; error: { code: Code; message: string } },
): Finding<never> => refused(name, result.error.code, result.error.message);
