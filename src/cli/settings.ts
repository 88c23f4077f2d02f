import type { Files } from "../clients/files.ts";
import { sha256 } from "../crypto/hash.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { tomlFailure } from "../formats/toml-failure.ts";

/**
 * Where each setting may come from. Its name is its flag and its key in `[tool.wheelseal]`;
 * flags win over the environment, that over pyproject.toml, that over GitLab's own variables.
 */
const SOURCES = {
  profile: { env: ["WHEELSEAL_PROFILE"] },
  out: { env: ["WHEELSEAL_OUT"] },
  state: { env: ["WHEELSEAL_STATE"] },
  python: { env: ["PYTHON_VERSION"] },
  name: { env: ["PACKAGE_NAME"] },
  version: { env: ["PACKAGE_VERSION"] },
  homepage: { env: ["PACKAGE_HOMEPAGE"] },
  "fulcio-url": { env: ["FULCIO_URL"] },
  "rekor-url": { env: ["REKOR_URL"] },
  "rekor-v2-url": { env: ["REKOR_V2_URL"] },
  "tsa-url": { env: ["TSA_URL"] },
  "index-url": { env: ["WHEELSEAL_INDEX_URL"] },
  "upload-url": { env: ["WHEELSEAL_UPLOAD_URL"] },
  "generic-url": { env: ["GENERIC_PACKAGE_BASE_URL"] },
  "certificate-identity": { env: ["CERTIFICATE_IDENTITY"] },
  "certificate-oidc-issuer": { env: ["CERTIFICATE_OIDC_ISSUER"] },
  policy: { env: ["WHEELSEAL_POLICY"] },
  witness: { env: ["WHEELSEAL_WITNESS"] },
  "witness-threshold": { env: ["WHEELSEAL_WITNESS_THRESHOLD"] },
  "trusted-root": { env: ["WHEELSEAL_TRUSTED_ROOT"] },
  "trust-config": { env: ["WHEELSEAL_TRUST_CONFIG"] },
  "trust-sha256": { env: ["WHEELSEAL_TRUST_SHA256"] },
  "tuf-mirror": { env: ["WHEELSEAL_TUF_MIRROR"] },
  "tuf-root": { env: ["WHEELSEAL_TUF_ROOT"] },
  "record-sha256": { env: ["WHEELSEAL_RECORD_SHA256"] },
} as const satisfies Record<string, { env: readonly string[] }>;

export type SettingName = keyof typeof SOURCES;

/** The environment variables that set what a flag sets, for people. */
export const variablesOf = (flag: string): string | undefined =>
  Object.hasOwn(SOURCES, flag) ? SOURCES[flag as SettingName].env.join(", ") : undefined;

/** Switches: only flags and `[tool.wheelseal]` set them, so no stray variable weakens a run. */
const SWITCHES = [
  "offline",
  "reproducible",
  "signatures-first",
  "set-metadata",
  "json",
  "certificate-per-file",
  "force",
] as const;

export type SwitchName = (typeof SWITCHES)[number];

export type Settings = {
  /** The value and where it came from, or `undefined` where nobody set it. */
  readonly find: (name: SettingName) => Setting | undefined;
  readonly text: (name: SettingName) => string | undefined;
  readonly on: (name: SwitchName) => boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `[tool.wheelseal.policy]`, as it stands. */
  readonly policy: unknown;
  /** Lower-case hexadecimal digest of pyproject.toml; absent where there is none. */
  readonly projectSha256?: string;
};

export type Setting = { readonly value: string; readonly from: string };

export type Flags = Readonly<Record<string, string | boolean | undefined>>;

const MAX_PYPROJECT = 1024 * 1024;

type Table = Record<string, unknown>;

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Project = { readonly table: Table; readonly sha256?: string };

const readProject = async (files: Files, path: string): Promise<Result<Project>> => {
  const bytes = await files.readIfPresent(path, MAX_PYPROJECT);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) return ok({ table: {} });
  const text = fromUtf8(bytes.value);
  if (!text.ok) return fail("FORMAT_TOML", `${path} is not UTF-8`);
  const { parse } = await import("smol-toml");
  try {
    const tool = parse(text.value).tool;
    const table = isTable(tool) ? tool.wheelseal : undefined;
    return ok({ table: isTable(table) ? table : {}, sha256: hex(sha256(bytes.value)) });
  } catch (error) {
    return tomlFailure(path, error);
  }
};

const checkTable = (table: Table, path: string): Result<void> => {
  for (const [key, value] of Object.entries(table)) {
    if (key === "policy") continue;
    const named = key in SOURCES;
    const switched = (SWITCHES as readonly string[]).includes(key);
    if (!named && !switched) return fail("CONFIG", `${path}: [tool.wheelseal] has no key ${key}`);
    const wanted = named ? "string" : "boolean";
    if (typeof value !== wanted) {
      return fail("CONFIG", `${path}: tool.wheelseal.${key} must be a ${wanted}`);
    }
  }
  return ok(undefined);
};

/** Reads the settings of a command that works on `project` (a folder). */
export const readSettings = async (input: {
  flags: Flags;
  env: Readonly<Record<string, string | undefined>>;
  project: string;
  files: Files;
}): Promise<Result<Settings>> => {
  const { flags, env, project, files } = input;
  const path = `${project}/pyproject.toml`;
  const read = await readProject(files, path);
  if (!read.ok) return read;
  const { table, sha256: projectSha256 } = read.value;
  const checked = checkTable(table, path);
  if (!checked.ok) return checked;
  const find = (name: SettingName): Setting | undefined => {
    const flag = flags[name];
    if (typeof flag === "string") return { value: flag, from: `--${name}` };
    for (const variable of SOURCES[name].env) {
      const value = env[variable];
      if (value !== undefined && value !== "") return { value, from: variable };
    }
    // The table of that name is the policy itself, not the name of a file.
    const value = name === "policy" ? undefined : table[name];
    return typeof value === "string" ? { value, from: `tool.wheelseal.${name}` } : undefined;
  };
  return ok({
    find,
    text: (name) => find(name)?.value,
    on: (name) => flags[name] === true || (flags[name] === undefined && table[name] === true),
    env,
    policy: table.policy,
    ...(projectSha256 === undefined ? {} : { projectSha256 }),
  });
};
