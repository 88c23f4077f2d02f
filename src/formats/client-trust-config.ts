import { utf8 } from "./bytes.ts";
import { parseJson, readJson } from "./json.ts";
import { ok, type Result } from "./result.ts";
import { type SigningConfig, signingConfigFromJson, signingConfigJson } from "./signing-config.ts";
import {
  MAX_TRUST_BYTES,
  type TrustedRoot,
  trustedRootFromJson,
  trustedRootJson,
} from "./trusted-root.ts";

/** One file that says whom to trust and where to sign: protobuf-specs ClientTrustConfig v0.1. */
export type ClientTrustConfig = {
  readonly trustedRoot: TrustedRoot;
  readonly signingConfig: SigningConfig;
};

const MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";

/**
 * Parses a ClientTrustConfig.
 *
 * @returns `TRUST_FORMAT`, `TRUST_EMPTY`, `FORMAT_SIZE`, `FORMAT_JSON`
 */
export const parseClientTrustConfig = (input: Uint8Array | string): Result<ClientTrustConfig> => {
  const value = parseJson(input, MAX_TRUST_BYTES, "trust config");
  if (!value.ok) return value;
  const parts = readJson(value.value, "TRUST_FORMAT", "trust config", (json) => {
    const mediaType = json.field("mediaType");
    if (mediaType.string() !== MEDIA_TYPE) mediaType.refuse("is not a client trust config's");
    return { root: json.field("trustedRoot").value, signing: json.field("signingConfig").value };
  });
  if (!parts.ok) return parts;
  const trustedRoot = trustedRootFromJson(parts.value.root, "trust config.trustedRoot");
  if (!trustedRoot.ok) return trustedRoot;
  const signingConfig = signingConfigFromJson(parts.value.signing, "trust config.signingConfig");
  if (!signingConfig.ok) return signingConfig;
  return ok({ trustedRoot: trustedRoot.value, signingConfig: signingConfig.value });
};

/** A ClientTrustConfig file: UTF-8 JSON. */
export const formatClientTrustConfig = (config: ClientTrustConfig): Uint8Array =>
  utf8(
    `${JSON.stringify(
      {
        mediaType: MEDIA_TYPE,
        trustedRoot: trustedRootJson(config.trustedRoot),
        signingConfig: signingConfigJson(config.signingConfig),
      },
      null,
      2,
    )}\n`,
  );
