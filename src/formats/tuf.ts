import { type Json, parseJson, readJson } from "./json.ts";
import { fail, type Result } from "./result.ts";
import { parseRfc3339 } from "./rfc3339.ts";

export type TufKind = "root" | "timestamp" | "snapshot" | "targets";

/** Bytes that a document of each kind has at most; the real ones have some thousands. */
export const MAX_TUF_BYTES: Readonly<Record<TufKind, number>> = {
  root: 512 * 1024,
  timestamp: 16 * 1024,
  snapshot: 2 * 1024 * 1024,
  targets: 4 * 1024 * 1024,
};

/** A file that a targets document vouches for. */
export type TufTargetFile = {
  readonly length: number;
  /** Lower-case hexadecimal, as the document gives them; at least one of them is there. */
  readonly sha256: string | undefined;
  readonly sha512: string | undefined;
};

/** What a TUF document states, before anybody checked its signatures. */
export type TufMetadata = {
  readonly kind: TufKind;
  /** Counts from 1. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** By name; empty in other kinds than targets. */
  readonly targets: ReadonlyMap<string, TufTargetFile>;
};

const MAX_KEYS = 256;
const MAX_SIGNATURES = 256;
const MAX_TARGETS = 4096;
const ROLES = ["root", "timestamp", "snapshot", "targets"] as const;

const count = (json: Json, least: number): number => {
  const value = json.integer();
  return value >= least ? value : json.refuse(`is less than ${least}`);
};

const distinct = (json: Json, values: readonly string[], what: string): void => {
  if (new Set(values).size !== values.length) json.refuse(`names a ${what} twice`);
};

/** A threshold counts keys, so a key that is there under two ids would count twice. */
const checkRole = (role: Json, keys: ReadonlyMap<string, string>): void => {
  const threshold = count(role.field("threshold"), 1);
  const list = role.field("keyids");
  const ids = list.items(MAX_KEYS).map((id) => id.string());
  distinct(list, ids, "key id");
  const known = ids.map((id) => keys.get(id) ?? list.refuse("names a key that is not there"));
  distinct(list, known, "key");
  if (threshold > ids.length) role.refuse("asks for more signatures than it has keys");
};

const checkRoot = (signed: Json): void => {
  const listed = signed.field("keys").members(MAX_KEYS);
  const keys = new Map(
    listed.map(([id, key]) => [id, key.field("keyval").field("public").string()]),
  );
  signed.field("consistent_snapshot").boolean();
  const roles = signed.field("roles");
  for (const role of ROLES) checkRole(roles.field(role), keys);
};

/** A name becomes part of a URL and of file names elsewhere: relative, and going nowhere but down. */
const isSafePath = (name: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a name
  !/[\u0000-\u001f\u007f\\:?#%]/.test(name) &&
  name.split("/").every((part) => part !== "" && part !== "." && part !== "..");

const readTarget = (name: string, json: Json): [string, TufTargetFile] => {
  if (!isSafePath(name)) json.refuse("is no relative path");
  const hashes = json.field("hashes");
  const hash = (algorithm: string, digits: number): string | undefined => {
    const value = hashes.optional(algorithm);
    const text = value?.string();
    const good = text === undefined || (/^[0-9a-f]+$/.test(text) && text.length === digits);
    return good ? text : value?.refuse("is not a digest");
  };
  const sha256 = hash("sha256", 64);
  const sha512 = hash("sha512", 128);
  if (sha256 === undefined && sha512 === undefined) hashes.refuse("has neither sha256 nor sha512");
  return [name, { length: count(json.field("length"), 0), sha256, sha512 }];
};

const read = (json: Json, kind: TufKind): TufMetadata => {
  const signatures = json.field("signatures");
  const ids = signatures.items(MAX_SIGNATURES).map((each) => each.field("keyid").string());
  distinct(signatures, ids, "key id");
  const signed = json.field("signed");
  const type = signed.field("_type");
  if (type.string() !== kind) type.refuse(`is not ${kind}`);
  const expires = signed.field("expires");
  if (kind === "root") checkRoot(signed);
  const targets = kind === "targets" ? signed.field("targets").members(MAX_TARGETS) : [];
  return {
    kind,
    version: count(signed.field("version"), 1),
    expires: parseRfc3339(expires.string()) ?? expires.refuse("is not a time"),
    targets: new Map(targets.map(([name, target]) => readTarget(name, target))),
  };
};

/**
 * Reads a TUF document strictly (TUF specification §4): capped, no duplicate JSON keys, no key or
 * signature that could be counted twice, no threshold that nobody or everybody meets, no target
 * without a strong digest, no target name that leads elsewhere. Signatures are for the updater.
 *
 * @returns `TUF_INVALID`
 */
export const parseTufMetadata = (bytes: Uint8Array, kind: TufKind): Result<TufMetadata> => {
  const value = parseJson(bytes, MAX_TUF_BYTES[kind], `${kind}.json`);
  return value.ok
    ? readJson(value.value, "TUF_INVALID", `${kind}.json`, (json) => read(json, kind))
    : fail("TUF_INVALID", value.error.message);
};
