import type { CommandHelp } from "./completion.ts";

const EXIT_STATUS = [
  "0  verified, or done",
  "1  refused: a check failed",
  "2  usage or configuration",
  "3  a service could not be reached after retries",
  "4  internal error",
];

const WIDTH = 78;
const INDENT = "       ";

const wrap = (text: string, indent: string): string => {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (indent.length + last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.map((line) => `${indent}${line}`).join("\n");
};

/** The page of a command, in the order of a manual page. */
export const helpPage = (
  { name, operands, summary, options }: CommandHelp,
  variables: (flag: string) => string | undefined,
): string => {
  const described = options.flatMap(([flag, help]) => {
    const variable = variables(flag.split(" ")[0]?.replace(/^--/, "") ?? "");
    const also = variable === undefined ? "" : ` (${variable})`;
    return [`${INDENT}${flag}`, wrap(`${help}${also}`, `${INDENT}    `), ""];
  });
  return [
    "NAME",
    wrap(`wheelseal ${name} - ${summary}`, INDENT),
    "",
    "SYNOPSIS",
    `${INDENT}wheelseal ${[name, "[options]", operands].join(" ").trimEnd()}`,
    "",
    "OPTIONS",
    ...described,
    "CONFIGURATION",
    wrap(
      "An option wins over its environment variable, given in brackets, and that over [tool.wheelseal] in pyproject.toml.",
      INDENT,
    ),
    "",
    "EXIT STATUS",
    ...EXIT_STATUS.map((line) => `${INDENT}${line}`),
  ].join("\n");
};
