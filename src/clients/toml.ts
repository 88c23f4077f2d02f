import { patch } from "@decimalturn/toml-patch";
import { parse } from "smol-toml";
import { fail, ok, type Result } from "../formats/result.ts";
import { tomlFailure } from "../formats/toml-failure.ts";

/** What may be set in a project's metadata before a build; absent values stay as they are. */
export type MetadataSettings = {
  readonly name?: string;
  readonly version?: string;
  /** An http or https URL. */
  readonly homepage?: string;
};

export type EditedProject = {
  readonly text: string;
  /** Dotted TOML key to the value it now has; keys that had it already are not named. */
  readonly changed: Readonly<Record<string, string>>;
};

type Table = Record<string, unknown>;

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The table at `keys`; `undefined` where it is absent or is no table. */
const tableAt = (from: Table, ...keys: string[]): Table | undefined => {
  let at: unknown = from;
  for (const key of keys) at = isTable(at) ? at[key] : undefined;
  return isTable(at) ? at : undefined;
};

/** Parses a TOML document; fails with FORMAT_TOML and the place. */
export const parseToml = (text: string, file: string): Result<Table> => {
  try {
    return ok(parse(text) as Table);
  } catch (error) {
    return tomlFailure(file, error);
  }
};

/** The standard table, or Poetry's older one where there is no standard table. */
const metadataTable = (document: Table): { table: Table; prefix: string } | undefined => {
  const standard = tableAt(document, "project");
  if (standard !== undefined) return { table: standard, prefix: "project" };
  const poetry = tableAt(document, "tool", "poetry");
  return poetry === undefined ? undefined : { table: poetry, prefix: "tool.poetry" };
};

/**
 * Sets name, version and homepage in a pyproject.toml and leaves every other character as it was.
 * A dynamic version becomes a static one. An existing homepage is replaced under the key it has
 * (labels are compared without case and punctuation), another is added as `Homepage`.
 *
 * Fails with FORMAT_TOML for a document that does not parse and CONFIG where it has no metadata
 * table that could be set.
 */
export const editProject = (text: string, settings: MetadataSettings): Result<EditedProject> => {
  const parsed = parseToml(text, "pyproject.toml");
  if (!parsed.ok) return parsed;
  const document = parsed.value;
  const found = metadataTable(document);
  if (found === undefined) {
    return fail(
      "CONFIG",
      "pyproject.toml has neither [project] nor [tool.poetry], so its metadata cannot be set",
    );
  }
  const { table, prefix } = found;
  const changed: Record<string, string> = {};
  const put = (into: Table, key: string, dotted: string, value: string | undefined): void => {
    if (value === undefined || into[key] === value) return;
    into[key] = value;
    changed[dotted] = value;
  };
  put(table, "name", `${prefix}.name`, settings.name);
  put(table, "version", `${prefix}.version`, settings.version);
  if (settings.version !== undefined) dropDynamic(table, "version");
  if (settings.homepage !== undefined) setHomepage(table, prefix, settings.homepage, put);
  if (Object.keys(changed).length === 0) return ok({ text, changed });
  return ok({ text: patch(text, document), changed });
};

const dropDynamic = (table: Table, field: string): void => {
  const dynamic = table.dynamic;
  if (!Array.isArray(dynamic) || !dynamic.includes(field)) return;
  const rest = dynamic.filter((name) => name !== field);
  if (rest.length === 0) delete table.dynamic;
  else table.dynamic = rest;
};

/** Well-known labels are compared so: "Home Page" is the homepage too. */
const label = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

const setHomepage = (
  table: Table,
  prefix: string,
  homepage: string,
  put: (into: Table, key: string, dotted: string, value: string) => void,
): void => {
  if (prefix === "tool.poetry") {
    put(table, "homepage", "tool.poetry.homepage", homepage);
    return;
  }
  const urls = tableAt(table, "urls") ?? {};
  const key = Object.keys(urls).find((name) => label(name) === "homepage") ?? "Homepage";
  put(urls, key, `${prefix}.urls.${key}`, homepage);
  table.urls = urls;
};
