import { type NormalizedName, parseName } from "../dists/name.ts";
import { parseVersion, type Version } from "../dists/version.ts";
import { type Json, readJson } from "../formats/json.ts";
import type { Result } from "../formats/result.ts";

/** What an upstream owns: one name, every name that begins so, or all that nobody else owns. */
export type Owned =
  | { readonly kind: "exact"; readonly name: NormalizedName }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "rest" };

/** How the gateway introduces itself to an upstream; where the password is, never the password. */
export type CredentialSource = {
  readonly username: string;
  readonly from: { readonly kind: "environment" | "file"; readonly name: string };
};

export type UpstreamConfig = {
  readonly name: string;
  /** URL of its simple index. */
  readonly index: string;
  /** `…/packages/generic` of the GitLab project that holds signatures, where there is one. */
  readonly generic?: string;
  /** Folder of evidence files, asked first. */
  readonly evidence?: string;
  readonly owns: readonly Owned[];
  readonly credentials?: CredentialSource;
  /**
   * `release`: everything that signing leaves must be there; `attested`: a PEP 740 publish
   * attestation is enough, and whatever else is there must verify too.
   */
  readonly demands: "release" | "attested";
  /** Milliseconds since a file was first seen before it is served. */
  readonly cooldown: number;
  /** Milliseconds after the first file of a release in which others may join it. */
  readonly lateFiles: number;
};

export type GatewayConfig = {
  readonly mode: "enforce" | "dry-run";
  /** Whether a package that the policy does not name may be pinned to its first signer. */
  readonly trustOnFirstUse: boolean;
  readonly upstreams: readonly UpstreamConfig[];
  /** Versions that are known to be gone, so that their absence is no rollback. */
  readonly retracted: readonly { readonly name: NormalizedName; readonly version: Version }[];
  /** Milliseconds for which an upstream's page, or a refusal, is not asked for again. */
  readonly refresh: number;
  /** Bytes of one distribution at most. */
  readonly maxBytes: number;
  /** Bytes of all files in the store; `undefined` for no limit. */
  readonly storeLimit: number | undefined;
  /** Whether what a file requires is fetched and checked before a client asks for it. */
  readonly lookAhead: boolean;
  /** The least that is logged. */
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Path of the policy, or the policy itself, as it stands. */
  readonly policy: { readonly file: string } | { readonly table: unknown } | undefined;
};

const LOG_LEVELS = ["info", "warn", "error", "silent"] as const;

const MAX_UPSTREAMS = 64;
const MAX_OWNED = 10_000;
/** PyPI closes a release for new files after as many days. */
const DEFAULT_LATE_FILES = 14 * 86_400_000;
const DEFAULT_MAX_BYTES = 3 * 1024 * 1024 * 1024;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const text = (json: Json): string => {
  const value = json.string();
  return value.trim() === "" ? json.refuse("is empty") : value;
};

const duration = (json: Json | undefined, otherwise: number): number => {
  if (json === undefined) return otherwise;
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(json.string()) ?? [];
  if (count === undefined || unit === undefined) return json.refuse("is no time such as 30s or 7d");
  return Number(count) * UNITS[unit as keyof typeof UNITS];
};

const BYTES: Readonly<Record<string, number>> = {
  ...{ kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

const bytes = (json: Json): number => {
  const [, count, unit = ""] = /^([1-9]\d{0,5})([kMGT]B|[KMGT]iB)$/.exec(json.string()) ?? [];
  const size = BYTES[unit];
  return size === undefined
    ? json.refuse("is no size such as 500MB or 20GiB")
    : Number(count) * size;
};

const address = (json: Json): string => {
  const value = json.string();
  const url = URL.parse(value);
  const usable = url !== null && ["http:", "https:"].includes(url.protocol);
  if (!usable) return json.refuse("is not an http or https URL");
  if (url.username !== "" || url.password !== "") return json.refuse("holds credentials");
  return value.replace(/\/+$/, "");
};

const owned = (json: Json): Owned => {
  const value = json.string();
  if (value === "*") return { kind: "rest" };
  if (!value.endsWith("*")) return { kind: "exact", name: json.take(parseName(value)) };
  const prefix = value.slice(0, -1);
  const normal = /^[a-z0-9]+(?:-[a-z0-9]+)*-?$/.test(prefix);
  return normal
    ? { kind: "prefix", prefix }
    : json.refuse("is not a normalised beginning of names");
};

const credentials = (json: Json): CredentialSource | undefined => {
  const environment = json.optional("password-env");
  const file = json.optional("password-file");
  const username = json.optional("username");
  if (environment !== undefined && file !== undefined) json.refuse("has two passwords");
  const source = environment ?? file;
  if (source === undefined) {
    return username === undefined ? undefined : json.refuse("has a username and no password");
  }
  return {
    username: username === undefined ? "__token__" : text(username),
    from: { kind: file === undefined ? "environment" : "file", name: text(source) },
  };
};

/** A GitLab project's index, without a slash at its end, tells where its generic packages are. */
export const besideIndex = (index: string): string | undefined => {
  const packages = /^(https?:\/\/.+\/projects\/[^/]+\/packages)\/pypi\/simple$/.exec(index)?.[1];
  return packages === undefined ? undefined : `${packages}/generic`;
};

const demands = (json: Json | undefined): UpstreamConfig["demands"] => {
  const value = json?.string() ?? "release";
  if (value === "release" || value === "attested") return value;
  return json?.refuse("is neither release nor attested") ?? "release";
};

type Delays = Pick<UpstreamConfig, "cooldown" | "lateFiles">;

const delays = (json: Json, otherwise: Delays): Delays => ({
  cooldown: duration(json.optional("cooldown"), otherwise.cooldown),
  lateFiles: duration(json.optional("late-files"), otherwise.lateFiles),
});

const upstream = (json: Json, general: Delays): UpstreamConfig => {
  json.only(
    ...["name", "index", "generic", "evidence", "owns", "username", "password-env"],
    ...["password-file", "demands", "cooldown", "late-files"],
  );
  const index = address(json.field("index"));
  const stated = json.optional("generic");
  const generic = stated === undefined ? besideIndex(index) : address(stated);
  const evidence = json.optional("evidence");
  const login = credentials(json);
  return {
    name: text(json.field("name")),
    index,
    ...(generic === undefined ? {} : { generic }),
    ...(evidence === undefined ? {} : { evidence: text(evidence) }),
    owns: json.field("owns").items(MAX_OWNED).map(owned),
    ...(login === undefined ? {} : { credentials: login }),
    demands: demands(json.optional("demands")),
    ...delays(json, general),
  };
};

const keyOf = (one: Owned): string => {
  switch (one.kind) {
    case "exact":
      return one.name;
    case "prefix":
      return `${one.prefix}*`;
    case "rest":
      return "*";
    default:
      return one satisfies never;
  }
};

/** No name may have two owners that claim it in the same words. */
const checkOwners = (json: Json, upstreams: readonly UpstreamConfig[]): void => {
  const owners = new Map<string, string>();
  const names = new Set<string>();
  for (const { name, owns } of upstreams) {
    if (names.has(name)) json.refuse(`has two upstreams called ${name}`);
    names.add(name);
    for (const one of owns) {
      const other = owners.get(keyOf(one));
      if (other !== undefined) json.refuse(`gives ${keyOf(one)} to ${other} and to ${name}`);
      owners.set(keyOf(one), name);
    }
  }
};

const retracted = (json: Json): GatewayConfig["retracted"][number] => {
  const [name = "", version = "", ...more] = json.string().split("==");
  if (more.length > 0 || version === "") return json.refuse("is not NAME==VERSION");
  return { name: json.take(parseName(name)), version: json.take(parseVersion(version)) };
};

const mode = (json: Json | undefined): GatewayConfig["mode"] => {
  const value = json?.string() ?? "enforce";
  if (value === "enforce" || value === "dry-run") return value;
  return json?.refuse("is neither enforce nor dry-run") ?? "enforce";
};

const logLevel = (json: Json | undefined): GatewayConfig["logLevel"] => {
  const value = json?.string() ?? "info";
  const known = LOG_LEVELS.find((one) => one === value);
  return known ?? json?.refuse(`is not one of ${LOG_LEVELS.join(", ")}`) ?? "info";
};

const policy = (json: Json): GatewayConfig["policy"] => {
  const file = json.optional("policy-file");
  const table = json.optional("policy");
  if (file !== undefined && table !== undefined) json.refuse("has two policies");
  if (file !== undefined) return { file: text(file) };
  return table === undefined ? undefined : { table: table.value };
};

/**
 * Reads a gateway's configuration: parsed TOML. Unknown keys are refused, since a misspelt one
 * would leave out a protection.
 *
 * @returns `CONFIG`, with the place
 */
export const readGatewayConfig = (value: unknown): Result<GatewayConfig> =>
  readJson(value, "CONFIG", "gateway", (json) => {
    json.only(
      ...["mode", "trust-on-first-use", "upstreams", "retracted", "refresh", "max-bytes"],
      ...["policy", "policy-file", "cooldown", "late-files", "log-level", "store-limit"],
      "look-ahead",
    );
    const general = delays(json, { cooldown: 0, lateFiles: DEFAULT_LATE_FILES });
    const upstreams = json
      .field("upstreams")
      .items(MAX_UPSTREAMS)
      .map((one) => upstream(one, general));
    if (upstreams.length === 0) json.refuse("has no upstream");
    checkOwners(json, upstreams);
    const limit = json.optional("store-limit");
    return {
      mode: mode(json.optional("mode")),
      trustOnFirstUse: json.optional("trust-on-first-use")?.boolean() ?? false,
      upstreams,
      retracted: json.optional("retracted")?.items(MAX_OWNED).map(retracted) ?? [],
      refresh: duration(json.optional("refresh"), 30_000),
      maxBytes: json.optional("max-bytes")?.integer() ?? DEFAULT_MAX_BYTES,
      storeLimit: limit === undefined ? undefined : bytes(limit),
      lookAhead: json.optional("look-ahead")?.boolean() ?? true,
      logLevel: logLevel(json.optional("log-level")),
      policy: policy(json),
    };
  });
