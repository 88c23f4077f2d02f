import { satisfies } from "@renovatebot/pep440";
import { type NormalizedName, parseName } from "../dists/name.ts";
import type { ClientEnvironment } from "./client-environment.ts";

/** What a distribution probably needs: a guess that nothing rests on. */
export type RequirementHint = {
  readonly name: NormalizedName;
  readonly extras: readonly string[];
  /** As written; empty for any version. */
  readonly specifier: string;
};

const MAX_LENGTH = 1_000;
const NAME = /^[A-Za-z0-9][\w.-]*/;

/** The text before the first `cut`, and what is behind it. */
const divide = (text: string, cut: string): [string, string | undefined] => {
  const at = text.indexOf(cut);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
};

/** What stands behind a name: extras, and a specifier that may be in parentheses. */
const wantsOf = (text: string): { extras: string; specifier: string } | undefined => {
  const [extras, behind] = text.startsWith("[") ? divide(text.slice(1), "]") : ["", text];
  const rest = behind?.trim() ?? "";
  const isWrapped = rest.startsWith("(") && rest.endsWith(")");
  const specifier = isWrapped ? rest.slice(1, -1) : rest;
  return behind === undefined || /[@()]/.test(specifier) ? undefined : { extras, specifier };
};

/**
 * Reads a `Requires-Dist`; `undefined` where it does not hold for that client, or is not
 * understood: a direct reference, a variable that only the client knows.
 * @param extras - of the distribution that requires it, which the client wants
 * @see PEP 508
 */
export const requirementHint = (
  text: string,
  client: ClientEnvironment,
  extras: readonly string[],
): RequirementHint | undefined => {
  if (text.length > MAX_LENGTH) return undefined;
  const [required, marker] = divide(text, ";");
  const head = required.trim();
  const [written = ""] = NAME.exec(head) ?? [];
  const name = parseName(written);
  const wants = wantsOf(head.slice(written.length).trim());
  if (!name.ok || wants === undefined) return undefined;
  if (marker !== undefined && !markerHolds(marker, client, extras)) return undefined;
  const asked = wants.extras.split(",").map((one) => one.trim().toLowerCase());
  return {
    name: name.value,
    extras: asked.filter((one) => one !== ""),
    specifier: wants.specifier.replace(/\s+/g, ""),
  };
};

const TOKEN = /\s*(\(|\)|<=|>=|===|==|!=|~=|<|>|'[^']*'|"[^"]*"|[a-z_.]+)/y;
const VERSIONS = ["python_version", "python_full_version", "implementation_version"];

const tokensOf = (marker: string): string[] => {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < marker.trimEnd().length) {
    const [, token] = TOKEN.exec(marker) ?? [];
    if (token === undefined) return [];
    tokens.push(token);
  }
  return tokens;
};

const PLATFORMS = { Linux: "linux", Darwin: "darwin", Windows: "win32" } as const;

const variable = (name: string, client: ClientEnvironment): string | undefined => {
  const known: Readonly<Record<string, string>> = {
    python_version: client.language,
    python_full_version: client.python,
    implementation_version: client.python,
    implementation_name: "cpython",
    platform_python_implementation: "CPython",
    sys_platform: PLATFORMS[client.system],
    platform_system: client.system,
    platform_machine: client.machine,
    os_name: client.system === "Windows" ? "nt" : "posix",
  };
  return known[name];
};

/** Whether an environment marker holds; not where any part of it is not understood. */
const markerHolds = (
  marker: string,
  client: ClientEnvironment,
  extras: readonly string[],
): boolean => {
  const tokens = tokensOf(marker);
  let at = 0;
  let understood = tokens.length > 0;
  const next = (): string => {
    const token = tokens[at] ?? "";
    at += 1;
    return token;
  };
  const either = (): boolean => {
    let holds = both();
    while (tokens[at] === "or") {
      at += 1;
      holds = both() || holds;
    }
    return holds;
  };
  const both = (): boolean => {
    let holds = one();
    while (tokens[at] === "and") {
      at += 1;
      holds = one() && holds;
    }
    return holds;
  };
  const one = (): boolean => {
    if (tokens[at] !== "(") return compared([next(), next(), next()]);
    at += 1;
    const holds = either();
    understood &&= next() === ")";
    return holds;
  };
  const compared = ([left, operator, right]: [string, string, string]): boolean => {
    const holds = compare(left, operator, right, client, extras);
    understood &&= holds !== undefined;
    return holds === true;
  };
  const holds = either();
  return holds && understood && at === tokens.length;
};

const unquoted = (token: string): string | undefined =>
  /^['"]/.test(token) ? token.slice(1, -1) : undefined;

const MIRRORED: Readonly<Record<string, string>> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" };

/** One comparison of a variable with a literal, in either order; `undefined` for any other. */
const compare = (
  left: string,
  operator: string,
  right: string,
  client: ClientEnvironment,
  extras: readonly string[],
): boolean | undefined => {
  const [literal, other] = [unquoted(right), unquoted(left)];
  if (literal === undefined) {
    return other === undefined
      ? undefined
      : compare(right, MIRRORED[operator] ?? operator, left, client, extras);
  }
  if (left === "extra") return operator === "==" && extras.includes(literal.toLowerCase());
  const value = variable(left, client);
  if (value === undefined) return undefined;
  if (VERSIONS.includes(left)) return satisfies(value, `${operator}${literal}`);
  if (operator === "==") return value === literal;
  return operator === "!=" ? value !== literal : undefined;
};
