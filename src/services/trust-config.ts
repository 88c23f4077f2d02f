import type { PublicKey } from "../crypto/keys.ts";
import { utf8 } from "../formats/bytes.ts";
import type { Certificate } from "../formats/certificate.ts";
import { noteKeyId } from "../formats/checkpoint.ts";
import { formatClientTrustConfig } from "../formats/client-trust-config.ts";
import { formatPem } from "../formats/pem.ts";
import { formatSigningConfig, type SigningConfig } from "../formats/signing-config.ts";
import { formatTrustedRoot, type LogKey, type TrustedRoot } from "../formats/trusted-root.ts";
import { pemChain } from "./ca-v1.ts";
import type { TufTarget } from "./tuf-metadata.ts";

/** Base URLs of the services, without a slash at the end; `tsa` is the whole endpoint. */
export type StackUrls = {
  /** GitLab's own: the issuer, and before `/api/v4`. */
  readonly gitlab: string;
  readonly fulcio: string;
  readonly ctlog: string;
  readonly rekor: string;
  /** Where requests are posted (`…/api/v1/timestamp`). */
  readonly tsa: string;
  /** The TUF repository's metadata; its targets are in `targets/` below. */
  readonly tuf: string;
};

/** What a verifier is told about the stack. */
export type StackTrust = {
  readonly urls: StackUrls;
  readonly rekorKey: PublicKey;
  /** Rekor v2's key, and the name in its checkpoints. */
  readonly rekorV2: { readonly key: PublicKey; readonly origin: string };
  readonly ctlogKey: PublicKey;
  /** Leaf-most first, root last. */
  readonly caChain: readonly Certificate[];
  readonly tsaChain: readonly Certificate[];
};

/** Everything here is trusted from when the stack was made, with no end. */
const validity = ({ caChain }: StackTrust) => ({
  start: caChain[0]?.notBefore ?? 0,
  end: undefined,
});

const logKey = (baseUrl: string, publicKey: PublicKey, trust: StackTrust): LogKey => ({
  baseUrl,
  logId: publicKey.keyId,
  checkpointKeyId: undefined,
  publicKey,
  validity: validity(trust),
});

const trustedRoot = (trust: StackTrust): TrustedRoot => ({
  tlogs: [
    logKey(trust.urls.rekor, trust.rekorKey, trust),
    {
      ...logKey(trust.urls.rekor, trust.rekorV2.key, trust),
      // Rekor v2 is known by the key id of its checkpoints (C2SP signed-note), whole.
      logId: noteKeyId(trust.rekorV2.origin, trust.rekorV2.key),
    },
  ],
  ctlogs: [logKey(trust.urls.ctlog, trust.ctlogKey, trust)],
  certificateAuthorities: [
    { uri: trust.urls.fulcio, chain: trust.caChain, validity: validity(trust) },
  ],
  timestampAuthorities: [{ uri: trust.urls.tsa, chain: trust.tsaChain, validity: validity(trust) }],
});

const signingConfig = (trust: StackTrust, rekorVersion: 1 | 2): SigningConfig => {
  const service = (url: string, majorApiVersion = 1) => [
    { url, majorApiVersion, validity: validity(trust), operator: "wheelseal-local" },
  ];
  return {
    caUrls: service(trust.urls.fulcio),
    oidcUrls: service(trust.urls.gitlab),
    rekorTlogUrls: service(trust.urls.rekor, rekorVersion),
    tsaUrls: service(trust.urls.tsa),
    rekorTlogConfig: { selector: "ANY" },
    tsaConfig: { selector: "ANY" },
  };
};

const chainPem = (chain: readonly Certificate[]): Uint8Array =>
  utf8(pemChain(chain.map(({ der }) => der)));

const keyPem = ({ spki }: PublicKey): Uint8Array => utf8(formatPem("PUBLIC KEY", spki));

export const TRUST_CONFIG_FILE = "client-trust-config.json";
/** The same trust, for clients that are to sign with Rekor v2. */
const TRUST_CONFIG_V2_FILE = "client-trust-config-rekor-v2.json";

/**
 * The files that tell others whom to trust, by name: the ClientTrustConfig and trusted root of
 * protobuf-specs, and the PEM files that cosign 2 takes by its SIGSTORE_* variables.
 */
export const trustFiles = (trust: StackTrust): ReadonlyMap<string, Uint8Array> => {
  const root = trustedRoot(trust);
  return new Map([
    [
      TRUST_CONFIG_FILE,
      formatClientTrustConfig({ trustedRoot: root, signingConfig: signingConfig(trust, 1) }),
    ],
    [
      TRUST_CONFIG_V2_FILE,
      formatClientTrustConfig({ trustedRoot: root, signingConfig: signingConfig(trust, 2) }),
    ],
    ["trusted_root.json", formatTrustedRoot(root)],
    ["fulcio-chain.pem", chainPem(trust.caChain)],
    ["tsa-chain.pem", chainPem(trust.tsaChain)],
    ["rekor.pub", keyPem(trust.rekorKey)],
    ["ctfe.pub", keyPem(trust.ctlogKey)],
  ]);
};

/**
 * What the TUF repository vouches for, by name: the trusted root and signing config that clients
 * read today, and the single keys and certificates by which cosign 2 is told, with their usage.
 */
export const tufTargets = (trust: StackTrust): ReadonlyMap<string, TufTarget> => {
  const { urls, caChain } = trust;
  const used = (
    usage: "Fulcio" | "CTFE" | "Rekor",
    uri: string,
    content: Uint8Array,
  ): TufTarget => ({
    content,
    custom: { sigstore: { status: "Active", usage, uri } },
  });
  return new Map<string, TufTarget>([
    ["trusted_root.json", { content: formatTrustedRoot(trustedRoot(trust)) }],
    ["signing_config.v0.2.json", { content: formatSigningConfig(signingConfig(trust, 1)) }],
    [
      "signing_config_rekor_v2.v0.2.json",
      { content: formatSigningConfig(signingConfig(trust, 2)) },
    ],
    ["fulcio.crt.pem", used("Fulcio", urls.fulcio, chainPem(caChain.slice(-1)))],
    ["fulcio_intermediate.crt.pem", used("Fulcio", urls.fulcio, chainPem(caChain.slice(0, -1)))],
    ["ctfe.pub", used("CTFE", urls.ctlog, keyPem(trust.ctlogKey))],
    ["rekor.pub", used("Rekor", urls.rekor, keyPem(trust.rekorKey))],
  ]);
};
