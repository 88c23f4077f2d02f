import { pathRegister } from "../dists/member-path.ts";
import { equal } from "../formats/bytes.ts";
import { evidenceNames } from "../formats/evidence.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseRfc3339, rfc3339 } from "../formats/rfc3339.ts";
import { MAX_KIT_FILE } from "./kit-tar.ts";

/** A file of the kit: its place, its bytes, its digest in lower-case hexadecimal. */
export type KitFile = { readonly path: string; readonly size: number; readonly sha256: string };

/** Where a log has the signature, as it was verified when the kit was made. */
export type KitLogged = {
  readonly logId: string;
  readonly logIndex: string;
  /** The log's signed checkpoint, as the evidence carries it. */
  readonly checkpoint?: string;
};

/** What was found of a distribution when the kit was made; a reader verifies it anew. */
export type KitPackage = {
  readonly filename: string;
  /** What was asked of its evidence: all that signing leaves, or an attestation alone. */
  readonly demands: "release" | "attested";
  /** `verified` or `pinned`; in an audit, also `signed` or `unattested`. */
  readonly verdict: "verified" | "pinned" | "signed" | "unattested";
  /** Who signed, and who vouched for that. */
  readonly signer?: { readonly identity: string; readonly issuer: string };
  /** RFC 3339 times at which the signature is proven to have existed. */
  readonly signedAt: readonly string[];
  readonly logged: readonly KitLogged[];
};

/** The trust root in the kit: where it came from, and the TUF repository behind it. */
export type KitTrust = {
  readonly from: string;
  readonly tuf?: {
    readonly mirror: string;
    readonly rootVersion: number;
    /** RFC 3339. */
    readonly expires: string;
  };
};

/** What a kit says about itself, in its first member. */
export type KitManifest = {
  /** `kit`: to be installed from; `audit`: to be looked through again, refusals and all. */
  readonly kind: "kit" | "audit";
  /** The tool that made it, with its version. */
  readonly tool: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; from then on the kit is refused. */
  readonly expiresAt: number;
  readonly trust: KitTrust;
  /** The document that said whom to expect, by name and digest. */
  readonly policy: { readonly from: string; readonly sha256: string };
  /** One for each distribution, by file name. */
  readonly packages: readonly KitPackage[];
  /** Everything else in the kit, in the order of their paths. */
  readonly files: readonly KitFile[];
};

const MEDIA_TYPE = "application/vnd.wheelseal.kit.v1+json";
/** Bytes of a manifest at most. */
export const MAX_MANIFEST = 64 * 1024 * 1024;
const MAX_FILES = 100_000;
const MAX_TIMES = 64;

/** Places in a kit. The manifest's sorts before all others. */
export const KIT_PLACES = {
  manifest: "manifest.json",
  packages: "packages/",
  policy: "policy.json",
  report: "report.json",
  source: "source/",
  trust: "trust/trusted_root.json",
  tuf: "trust/tuf/",
} as const;

export const byPath = (a: { path: string }, b: { path: string }): number =>
  a.path < b.path ? -1 : a.path > b.path ? 1 : 0;

const byName = (a: KitPackage, b: KitPackage): number => (a.filename < b.filename ? -1 : 1);

/** The manifest's bytes: canonical JSON, packages and files in order. */
export const formatKitManifest = (manifest: KitManifest): Uint8Array =>
  canonicalJson({
    ...manifest,
    mediaType: MEDIA_TYPE,
    createdAt: rfc3339(manifest.createdAt),
    expiresAt: rfc3339(manifest.expiresAt),
    packages: manifest.packages.toSorted(byName),
    files: manifest.files.toSorted(byPath),
  });

const text = (json: Json): string => {
  const value = json.string();
  return value === "" ? json.refuse("is empty") : value;
};

const time = (json: Json): number =>
  parseRfc3339(json.string()) ?? json.refuse("is no RFC 3339 time");

const digest = (json: Json): string => {
  const value = json.string();
  return /^[0-9a-f]{64}$/.test(value) ? value : json.refuse("is not a SHA-256");
};

const readFile = (json: Json): KitFile => {
  json.only("path", "size", "sha256");
  const size = json.field("size").integer();
  if (size < 0 || size > MAX_KIT_FILE) json.field("size").refuse("is no size of a file");
  return {
    path: json.field("path").string(),
    size,
    sha256: digest(json.field("sha256")),
  };
};

const readLogged = (json: Json): KitLogged => {
  json.only("logId", "logIndex", "checkpoint");
  const checkpoint = json.optional("checkpoint")?.string();
  return {
    logId: json.field("logId").string(),
    logIndex: json.field("logIndex").string(),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
};

const readDemands = (json: Json): KitPackage["demands"] => {
  const demands = json.string();
  return demands === "release" || demands === "attested"
    ? demands
    : json.refuse("is neither release nor attested");
};

const VERDICTS = {
  kit: ["verified", "pinned"],
  audit: ["verified", "pinned", "signed", "unattested"],
} as const;

const readVerdict = (json: Json, kind: KitManifest["kind"]): KitPackage["verdict"] => {
  const verdict = json.string();
  return (
    VERDICTS[kind].find((one) => one === verdict) ?? json.refuse(`is no verdict that stands there`)
  );
};

const readPackage = (json: Json, kind: KitManifest["kind"]): KitPackage => {
  json.only("filename", "demands", "verdict", "signer", "signedAt", "logged");
  const signer = json.optional("signer")?.only("identity", "issuer");
  return {
    filename: text(json.field("filename")),
    demands: readDemands(json.field("demands")),
    verdict: readVerdict(json.field("verdict"), kind),
    ...(signer === undefined
      ? {}
      : {
          signer: {
            identity: signer.field("identity").string(),
            issuer: signer.field("issuer").string(),
          },
        }),
    signedAt: json
      .field("signedAt")
      .items(MAX_TIMES)
      .map((one) => one.string()),
    logged: json.field("logged").items(MAX_TIMES).map(readLogged),
  };
};

const readTrust = (json: Json): KitTrust => {
  json.only("from", "tuf");
  const tuf = json.optional("tuf")?.only("mirror", "rootVersion", "expires");
  return {
    from: json.field("from").string(),
    ...(tuf === undefined
      ? {}
      : {
          tuf: {
            mirror: tuf.field("mirror").string(),
            rootVersion: tuf.field("rootVersion").integer(),
            expires: tuf.field("expires").string(),
          },
        }),
  };
};

const readKind = (json: Json): KitManifest["kind"] => {
  const kind = json.string();
  return kind === "kit" || kind === "audit" ? kind : json.refuse("is neither kit nor audit");
};

const readManifest = (json: Json): KitManifest => {
  const mediaType = json.field("mediaType");
  if (mediaType.string() !== MEDIA_TYPE) mediaType.refuse("is of a format that is not known here");
  const policy = json.field("policy").only("from", "sha256");
  const kind = readKind(json.field("kind"));
  return {
    kind,
    tool: json.field("tool").string(),
    createdAt: time(json.field("createdAt")),
    expiresAt: time(json.field("expiresAt")),
    trust: readTrust(json.field("trust")),
    policy: { from: policy.field("from").string(), sha256: digest(policy.field("sha256")) },
    packages: json
      .field("packages")
      .items(MAX_FILES)
      .map((one) => readPackage(one, kind)),
    files: json.field("files").items(MAX_FILES).map(readFile),
  };
};

/**
 * Reads a manifest: in its canonical form only, with every file in a place of its own.
 * @returns KIT_MANIFEST, KIT_PATH, DIST_EMPTY for a kit without distributions
 */
export const parseKitManifest = (bytes: Uint8Array): Result<KitManifest> => {
  const value = parseJson(bytes, MAX_MANIFEST, "manifest");
  if (!value.ok) return fail("KIT_MANIFEST", value.error.message);
  const manifest = readJson(value.value, "KIT_MANIFEST", "manifest", readManifest);
  if (!manifest.ok) return manifest;
  const placed = checkPlaces(manifest.value);
  if (!placed.ok) return placed;
  return equal(formatKitManifest(manifest.value), bytes)
    ? manifest
    : fail("KIT_MANIFEST", "the manifest is not in canonical form");
};

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+!~-]{0,254}$/;

const TUF_DOCUMENT =
  /^(?:(?:\d{1,9}\.)?(?:root|timestamp|snapshot|targets)\.json|targets\/[0-9a-f]{64,128}\.[a-z0-9_.]{1,64})$/;

/** Whether a path is one that kits have, of the distributions that it lists. */
const belongs = (path: string, distributions: ReadonlySet<string>): boolean => {
  const { packages, source, tuf, ...fixed } = KIT_PLACES;
  if (path !== fixed.manifest && Object.values(fixed).some((one) => one === path)) return true;
  if (path.startsWith(tuf)) return TUF_DOCUMENT.test(path.slice(tuf.length));
  if (path.startsWith(source)) return SEGMENT.test(path.slice(source.length));
  const name = path.startsWith(packages) ? path.slice(packages.length) : "";
  return SEGMENT.test(name) && distributions.has(name);
};

const checkPlaces = ({ packages, files }: KitManifest): Result<void> => {
  if (packages.length === 0) return fail("DIST_EMPTY", "the kit holds no distribution");
  const register = pathRegister();
  const expected = new Set<string>();
  for (const { filename } of packages) {
    if (expected.has(filename)) return fail("KIT_PATH", `the kit lists ${filename} twice`);
    for (const name of [filename, ...Object.values(evidenceNames(filename))]) expected.add(name);
  }
  for (const { path } of files) {
    if (!belongs(path, expected)) {
      return fail("KIT_PATH", `${JSON.stringify(path)} is no place in a kit`);
    }
    const added = register.add(path, "leaf");
    if (!added.ok) return fail("KIT_PATH", added.error.message);
  }
  const present = new Set(files.map(({ path }) => path));
  const absent = [
    ...packages.map(({ filename }) => `${KIT_PLACES.packages}${filename}`),
    KIT_PLACES.policy,
    KIT_PLACES.trust,
  ].find((path) => !present.has(path));
  return absent === undefined ? ok(undefined) : fail("KIT_MANIFEST", `the kit has no ${absent}`);
};
