import { HINTS } from "../../src/formats/errors.ts";
import { exitCodeOf } from "../../src/formats/exit-code.ts";

const rows = (): string[] =>
  (Object.keys(HINTS) as (keyof typeof HINTS)[])
    .toSorted()
    .map((code) => `| \`${code}\` | ${exitCodeOf(code)} | ${HINTS[code]} |`);

/** The text of docs/errors.md, from the table in src/formats/errors.ts. */
export const errorsDocument = (): string =>
  [
    "# Errors",
    "",
    "A failure prints `error[CODE]: what happened` and `hint: what to do`, and with `--json` the same in one document.",
    "Codes and exit codes are stable: they are never renamed, and never used for something else.",
    "",
    "Exit codes: 0 verified or done; 1 refused (a check failed); 2 usage or configuration; 3 a service could not be reached",
    "after retries; 4 internal error.",
    "",
    "This page is generated: `npm run docs:errors`.",
    "",
    "| code | exit | hint |",
    "|---|---|---|",
    ...rows(),
    "",
  ].join("\n");
