import type { ServiceUrl, SigningConfig } from "./signing-config.ts";

/** Where to sign: one service of each kind, by its base URL. */
export type SigningServices = {
  /** Certificate authority. */
  readonly fulcioUrl?: string;
  /** Transparency log that speaks Rekor v1. */
  readonly rekorUrl?: string;
  /** Transparency log that speaks Rekor v2, which needs a timestamp authority. */
  readonly rekorV2Url?: string;
  /** Timestamp authority (RFC 3161). */
  readonly tsaUrl?: string;
  /** The issuer of id_tokens. */
  readonly issuerUrl?: string;
};

/**
 * The first service of each kind and version that a signing configuration has in use.
 *
 * @param now - milliseconds since 1970
 */
export const signingServices = (config: SigningConfig, now: number): SigningServices => {
  const first = (services: readonly ServiceUrl[], version = 1): string | undefined =>
    services.find(
      ({ majorApiVersion, validity: { start, end } }) =>
        majorApiVersion === version && start <= now && (end === undefined || now <= end),
    )?.url;
  const fulcioUrl = first(config.caUrls);
  const rekorUrl = first(config.rekorTlogUrls);
  const rekorV2Url = first(config.rekorTlogUrls, 2);
  const tsaUrl = first(config.tsaUrls);
  const issuerUrl = first(config.oidcUrls);
  return {
    ...(fulcioUrl === undefined ? {} : { fulcioUrl }),
    ...(rekorUrl === undefined ? {} : { rekorUrl }),
    ...(rekorV2Url === undefined ? {} : { rekorV2Url }),
    ...(tsaUrl === undefined ? {} : { tsaUrl }),
    ...(issuerUrl === undefined ? {} : { issuerUrl }),
  };
};
