import { fail } from "./result.ts";

/** What a TOML parser threw, with the place where it has one. */
export const tomlFailure = (file: string, error: unknown): ReturnType<typeof fail> => {
  const { line, column } = error as { line?: unknown; column?: unknown };
  const place = typeof line === "number" && typeof column === "number" ? `:${line}:${column}` : "";
  // Behind the first line the parser draws the place.
  const said = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "is malformed";
  return fail("FORMAT_TOML", `${file}${place}: ${said}`);
};
