import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const folder = new URL("../../templates/", import.meta.url);

export type Input = {
  readonly description?: string;
  readonly type?: "string" | "number" | "boolean" | "array";
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly regex?: string;
};

export type Job = {
  readonly extends?: string;
  readonly needs?: readonly string[];
  readonly script?: readonly string[];
  readonly before_script?: readonly string[];
  readonly image?: string | { readonly name: string };
  readonly id_tokens?: Readonly<Record<string, { readonly aud: string }>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly rules?: readonly { readonly if?: string; readonly when?: string }[];
  readonly artifacts?: {
    readonly paths?: readonly string[];
    readonly reports?: Readonly<Record<string, string>>;
  };
  readonly resource_group?: string;
};

export type Component = {
  readonly inputs: Readonly<Record<string, Input>>;
  /** Everything after the header, as it is written. */
  readonly body: string;
};

export const COMPONENTS = readdirSync(folder).sort();

export const readComponent = (name: string): Component => {
  const text = readFileSync(new URL(`${name}/template.yml`, folder), "utf8");
  const documents = parseAllDocuments(text);
  if (documents.length !== 2) throw new Error(`${name} has ${documents.length} documents`);
  const header = documents[0]?.toJS() as { spec: { inputs: Component["inputs"] } };
  return { inputs: header.spec.inputs, body: text.slice(text.indexOf("\n---\n") + 5) };
};

/** The names that the body asks for. */
export const usedInputs = ({ body }: Component): Set<string> =>
  new Set([...body.matchAll(/\$\[\[ inputs\.([a-z_]+) \]\]/g)].map(([, name = ""]) => name));

/**
 * What GitLab makes of the body for these inputs: text is put in as it is, and a value that stands
 * alone keeps its type.
 */
export const expand = (
  component: Component,
  given: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, Job>> => {
  const value = (name: string): unknown =>
    given[name] ?? component.inputs[name]?.default ?? `the-${name.replaceAll("_", "-")}`;
  const text = component.body.replace(/\$\[\[ inputs\.([a-z_]+) \]\]/g, (_, name: string) =>
    typeof value(name) === "string" ? String(value(name)) : JSON.stringify(value(name)),
  );
  return parseAllDocuments(text)[0]?.toJS() as Record<string, Job>;
};

const cell = (text: string): string => text.replaceAll("|", "\\|");

const shown = (input: Input): string => {
  if (input.default === undefined) return "required";
  return input.default === "" ? "empty" : `\`${cell(String(input.default))}\``;
};

/** The table of a component's inputs, for its documentation. */
export const inputsTable = (name: string): string => {
  const { inputs } = readComponent(name);
  const rows = Object.entries(inputs).map(([input, spec]) => {
    const options = spec.options === undefined ? "" : ` One of ${spec.options.join(", ")}.`;
    const { type = "string", description = "" } = spec;
    return `| \`${input}\` | ${type} | ${shown(spec)} | ${cell(description)}${options} |`;
  });
  return ["| input | type | default | what it is |", "|---|---|---|---|", ...rows].join("\n");
};

const MARKED = /(<!-- inputs: ([a-z-]+) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The page with each marked table as the template has it now. */
export const withTables = (page: string): string =>
  page.replace(
    MARKED,
    (_, start: string, name: string, end: string) => `${start}${inputsTable(name)}\n${end}`,
  );

/** This repository's own configuration, as it is written. */
export const ownConfiguration = (): Readonly<Record<string, Job>> =>
  parseAllDocuments(
    readFileSync(new URL("../.gitlab-ci.yml", folder), "utf8"),
  )[0]?.toJS() as Record<string, Job>;
