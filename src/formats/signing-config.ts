import { utf8 } from "./bytes.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import type { Result } from "./result.ts";
import { parseRfc3339, rfc3339 } from "./rfc3339.ts";
import type { Validity } from "./trusted-root.ts";

/** Where a service is. */
export type ServiceUrl = {
  readonly url: string;
  /** 1 for Fulcio, Rekor v1 and TSAs; 2 for Rekor v2. */
  readonly majorApiVersion: number;
  readonly validity: Validity;
  readonly operator: string;
};

/** How many of the listed services to use. */
export type Selector =
  | { readonly selector: "ANY" | "ALL" }
  | { readonly selector: "EXACT"; readonly count: number };

/** Where to sign: protobuf-specs SigningConfig v0.2. */
export type SigningConfig = {
  readonly caUrls: readonly ServiceUrl[];
  readonly oidcUrls: readonly ServiceUrl[];
  readonly rekorTlogUrls: readonly ServiceUrl[];
  readonly tsaUrls: readonly ServiceUrl[];
  readonly rekorTlogConfig: Selector;
  readonly tsaConfig: Selector;
};

const MEDIA_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const MEDIA_TYPE_V01 = "application/vnd.dev.sigstore.signingconfig.v0.1+json";
const MAX_URLS = 32;

const URL_SCHEME = /^https?:\/\//;

const readUrl = (json: Json): string => {
  const url = json.string();
  return URL_SCHEME.test(url) && URL.canParse(url) ? url : json.refuse("is not an http(s) URL");
};

const readTime = (json: Json | undefined): number | undefined =>
  json && (parseRfc3339(json.string()) ?? json.refuse("is not a time"));

const readService = (json: Json): ServiceUrl => {
  const window = json.optional("validFor");
  return {
    url: readUrl(json.field("url")),
    majorApiVersion: json.optional("majorApiVersion")?.integer() ?? 1,
    validity: {
      start: readTime(window?.optional("start")) ?? 0,
      end: readTime(window?.optional("end")),
    },
    operator: json.optional("operator")?.string() ?? "",
  };
};

const readSelector = (json: Json | undefined): Selector => {
  if (json === undefined) return { selector: "ANY" };
  const selector = json.field("selector");
  switch (selector.string()) {
    case "ANY":
    case "SERVICE_SELECTOR_UNDEFINED":
      return { selector: "ANY" };
    case "ALL":
      return { selector: "ALL" };
    case "EXACT": {
      const count = json.field("count");
      return count.integer() > 0
        ? { selector: "EXACT", count: count.integer() }
        : count.refuse("is not above zero");
    }
    default:
      return selector.refuse("is unknown");
  }
};

const readV02 = (json: Json): SigningConfig => {
  const services = (name: string): ServiceUrl[] =>
    json.optional(name)?.items(MAX_URLS).map(readService) ?? [];
  return {
    caUrls: services("caUrls"),
    oidcUrls: services("oidcUrls"),
    rekorTlogUrls: services("rekorTlogUrls"),
    tsaUrls: services("tsaUrls"),
    rekorTlogConfig: readSelector(json.optional("rekorTlogConfig")),
    tsaConfig: readSelector(json.optional("tsaConfig")),
  };
};

const always = (url: string): ServiceUrl => ({
  url,
  majorApiVersion: 1,
  validity: { start: 0, end: undefined },
  operator: "",
});

/** Version 0.1 had bare URLs and no selectors. */
const readV01 = (json: Json): SigningConfig => {
  const one = (name: string): ServiceUrl[] => {
    const url = json.optional(name);
    return url === undefined ? [] : [always(readUrl(url))];
  };
  const many = (name: string): ServiceUrl[] =>
    json.optional(name)?.items(MAX_URLS).map(readUrl).map(always) ?? [];
  return {
    caUrls: one("caUrl"),
    oidcUrls: one("oidcUrl"),
    rekorTlogUrls: many("tlogUrls"),
    tsaUrls: many("tsaUrls"),
    rekorTlogConfig: { selector: "ANY" },
    tsaConfig: { selector: "ANY" },
  };
};

/**
 * Reads the JSON value of a signing config, version 0.2, or 0.1 with what it lacks filled in.
 *
 * @returns `TRUST_FORMAT`
 */
export const signingConfigFromJson = (value: unknown, what: string): Result<SigningConfig> =>
  readJson(value, "TRUST_FORMAT", what, (json) => {
    const mediaType = json.field("mediaType");
    switch (mediaType.string()) {
      case MEDIA_TYPE:
        return readV02(json);
      case MEDIA_TYPE_V01:
        return readV01(json);
      default:
        return mediaType.refuse("is not a signing config's");
    }
  });

const MAX_BYTES = 256 * 1024;

/**
 * Parses a `signing_config.v0.2.json`, or one of version 0.1.
 *
 * @returns `TRUST_FORMAT`, `FORMAT_SIZE`, `FORMAT_JSON`
 */
export const parseSigningConfig = (bytes: Uint8Array): Result<SigningConfig> => {
  const value = parseJson(bytes, MAX_BYTES, "signing config");
  return value.ok ? signingConfigFromJson(value.value, "signing config") : value;
};

const serviceJson = (service: ServiceUrl) => ({
  url: service.url,
  majorApiVersion: service.majorApiVersion,
  validFor: {
    start: rfc3339(service.validity.start),
    ...(service.validity.end === undefined ? {} : { end: rfc3339(service.validity.end) }),
  },
  operator: service.operator,
});

/** The JSON value of a signing config, version 0.2. */
export const signingConfigJson = (config: SigningConfig) => ({
  mediaType: MEDIA_TYPE,
  caUrls: config.caUrls.map(serviceJson),
  oidcUrls: config.oidcUrls.map(serviceJson),
  rekorTlogUrls: config.rekorTlogUrls.map(serviceJson),
  tsaUrls: config.tsaUrls.map(serviceJson),
  rekorTlogConfig: config.rekorTlogConfig,
  tsaConfig: config.tsaConfig,
});

/** A `signing_config.v0.2.json`: UTF-8 JSON. */
export const formatSigningConfig = (config: SigningConfig): Uint8Array =>
  utf8(`${JSON.stringify(signingConfigJson(config), null, 2)}\n`);
