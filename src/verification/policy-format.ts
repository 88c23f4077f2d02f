import { type NormalizedName, parseName } from "../dists/name.ts";
import { equalVersions, parseVersion, type Version } from "../dists/version.ts";
import { type Json, readJson } from "../formats/json.ts";
import type { Result } from "../formats/result.ts";
import { parseRfc3339 } from "../formats/rfc3339.ts";
import type { IdentityPolicy } from "./verdict.ts";
import type { WitnessDemand } from "./witness.ts";
import { readWitnessDemand } from "./witness-demand.ts";

/** What a package must show before it is accepted. */
export type PackagePolicy = {
  /** Any of them may have signed; at least one, unless there are pins. */
  readonly identities: readonly IdentityPolicy[];
  /** SHA-256 of files that are accepted as they are, without evidence; lower-case hex. */
  readonly pins?: readonly string[];
  /** Distinct log entries that must verify; 1 unless given, never 0. */
  readonly tlogThreshold: number;
};

/**
 * Evidence that a waiver may excuse for being absent: the SLSA provenance; the publish
 * attestation, without which the file's name is not proven; the detached `.sig` and `.crt`.
 * The signature over the file and its identity are never waived.
 */
export const WAIVABLE = ["provenance", "publish", "detached"] as const;
/** One of {@link WAIVABLE}. */
export type Waivable = (typeof WAIVABLE)[number];

/** An exception from the policy that somebody answers for, and that ends. */
export type Waiver = {
  readonly package: NormalizedName;
  /** What may be absent, at least one thing. */
  readonly waives: readonly Waivable[];
  /** Only this version; every version where absent. */
  readonly version: Version | undefined;
  readonly reason: string;
  readonly owner: string;
  /** The last day on which it holds, `YYYY-MM-DD` in UTC. */
  readonly expires: string;
  /** Milliseconds since 1970: the first moment at which it holds no more. */
  readonly endsAt: number;
};

/** Whom to expect for which package: `[tool.wheelseal.policy]`. */
export type Policy = {
  readonly packages: ReadonlyMap<NormalizedName, PackagePolicy>;
  readonly waivers: readonly Waiver[];
  /** Whether a lock may hold files that nobody vouches for; absent where the policy is silent. */
  readonly unattested?: "allow" | "refuse";
  /** Who must vouch for every checkpoint, of whatever package. */
  readonly witnesses?: WitnessDemand;
};

const MAX_PACKAGES = 4096;
const MAX_IDENTITIES = 64;
const MAX_WAIVERS = 1024;
const MAX_PINS = 4096;
const MAX_THRESHOLD = 32;
const DAY = 24 * 60 * 60 * 1000;
const DATE = /^\d{4}-\d\d-\d\d$/;

const text = (json: Json): string => {
  const value = json.string();
  return value.trim() === "" ? json.refuse("is empty") : value;
};

/** A field only if it is there: absent fields must not stand as `undefined`. */
const optional = <K extends string>(json: Json, field: string, key: K): { [P in K]?: string } => {
  const member = json.optional(field);
  return (member === undefined ? {} : { [key]: text(member) }) as { [P in K]?: string };
};

const issuer = (json: Json): string => {
  const field = json.field("issuer");
  const value = text(field);
  return /^https?:\/\/[^/]/.test(value) ? value : field.refuse("is not an http(s) URL");
};

const gitlab = (json: Json): IdentityPolicy => {
  json.only(
    "kind",
    "issuer",
    "project",
    "config-path",
    "ref",
    "environment",
    "project-id",
    "namespace-id",
    "sha",
  );
  return {
    kind: "gitlab",
    issuer: issuer(json),
    project: text(json.field("project")),
    ...optional(json, "config-path", "configPath"),
    ...optional(json, "ref", "ref"),
    ...optional(json, "environment", "environment"),
    ...optional(json, "project-id", "projectId"),
    ...optional(json, "namespace-id", "namespaceId"),
    ...optional(json, "sha", "sha"),
  };
};

const github = (json: Json): IdentityPolicy => {
  json.only("kind", "issuer", "repository", "workflow", "ref", "sha");
  return {
    kind: "github",
    issuer: issuer(json),
    repository: text(json.field("repository")),
    workflow: text(json.field("workflow")),
    ...optional(json, "ref", "ref"),
    ...optional(json, "sha", "sha"),
  };
};

/** Reads one expected identity, as policies and the monitor's configuration write it. */
export const readIdentity = (json: Json): IdentityPolicy => {
  const kind = json.field("kind");
  switch (kind.string()) {
    case "gitlab":
      return gitlab(json);
    case "github":
      return github(json);
    case "email":
      json.only("kind", "issuer", "email");
      return { kind: "email", email: text(json.field("email")), issuer: issuer(json) };
    case "exact":
      json.only("kind", "issuer", "identity");
      return { kind: "exact", san: text(json.field("identity")), issuer: issuer(json) };
    default:
      return kind.refuse("is not gitlab, github, email or exact");
  }
};

const threshold = (json: Json | undefined): number => {
  if (json === undefined) return 1;
  const value = json.integer();
  return value >= 1 && value <= MAX_THRESHOLD
    ? value
    : json.refuse(`is not from 1 to ${MAX_THRESHOLD}`);
};

const pin = (json: Json): string =>
  /^sha256:([0-9a-f]{64})$/.exec(json.string())?.[1] ?? json.refuse("is not sha256:HEX");

const packagePolicy = (json: Json): PackagePolicy => {
  json.only("identities", "tlog-threshold", "pins");
  const pinned = json.optional("pins");
  const pins = pinned?.items(MAX_PINS).map(pin);
  if (pins?.length === 0) pinned?.refuse("is empty, so nothing is pinned");
  const list = pins === undefined ? json.field("identities") : json.optional("identities");
  const identities = list?.items(MAX_IDENTITIES).map(readIdentity) ?? [];
  if (list !== undefined && identities.length === 0) list.refuse("is empty, so nobody could sign");
  const tlogThreshold = threshold(json.optional("tlog-threshold"));
  return { identities, tlogThreshold, ...(pins === undefined ? {} : { pins }) };
};

/** A day as text, or as the date that a TOML reader makes of an unquoted one. */
const day = (json: Json): string => {
  const value = json.value instanceof Date ? json.value.toISOString().slice(0, 10) : json.string();
  return DATE.test(value) ? value : json.refuse("is not a day, YYYY-MM-DD");
};

const waivable = (json: Json): Waivable => {
  const value = json.string();
  return (
    WAIVABLE.find((one) => one === value) ?? json.refuse(`is not one of ${WAIVABLE.join(", ")}`)
  );
};

const waives = (json: Json): Waivable[] => {
  const list = json.items(WAIVABLE.length).map(waivable);
  return list.length === 0 ? json.refuse("is empty, so nothing is waived") : list;
};

const waiver = (json: Json): Waiver => {
  json.only("package", "version", "waives", "reason", "owner", "expires");
  const version = json.optional("version");
  const end = json.field("expires");
  const expires = day(end);
  const start = parseRfc3339(`${expires}T00:00:00Z`) ?? end.refuse("is no day of the calendar");
  return {
    package: json.take(parseName(json.field("package").string())),
    waives: waives(json.field("waives")),
    version: version?.take(parseVersion(version.string())),
    reason: text(json.field("reason")),
    owner: text(json.field("owner")),
    expires,
    endsAt: start + DAY,
  };
};

const packages = (json: Json | undefined): Map<NormalizedName, PackagePolicy> => {
  const policies = new Map<NormalizedName, PackagePolicy>();
  for (const [name, value] of json?.members(MAX_PACKAGES) ?? []) {
    const normal = value.take(parseName(name));
    if (policies.has(normal)) value.refuse(`is a second policy for ${normal}`);
    policies.set(normal, packagePolicy(value));
  }
  return policies;
};

const unattested = (json: Json | undefined): Pick<Policy, "unattested"> => {
  if (json === undefined) return {};
  const value = json.string();
  if (value === "allow" || value === "refuse") return { unattested: value };
  return json.refuse("is neither allow nor refuse");
};

/**
 * Reads a policy: the parsed TOML table `[tool.wheelseal.policy]`, or the same shape from JSON.
 * Unknown fields are refused, since a misspelt one would leave out what it was meant to demand.
 *
 * @returns `POLICY_FORMAT`, with the place
 */
export const readPolicy = (value: unknown): Result<Policy> =>
  readJson(value, "POLICY_FORMAT", "policy", (json) => {
    json.only("packages", "waivers", "unattested", "witnesses", "witness-threshold");
    const witnesses = readWitnessDemand(json);
    return {
      packages: packages(json.optional("packages")),
      waivers: json.optional("waivers")?.items(MAX_WAIVERS).map(waiver) ?? [],
      ...unattested(json.optional("unattested")),
      ...(witnesses === undefined ? {} : { witnesses }),
    };
  });

/** Whether a waiver is about this package and version; about any version where it names none. */
export const appliesTo = (
  waiver: Waiver,
  name: NormalizedName,
  version: Version | undefined,
): boolean =>
  waiver.package === name &&
  (waiver.version === undefined ||
    (version !== undefined && equalVersions(waiver.version, version)));
