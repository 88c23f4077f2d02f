import { utf8 } from "../formats/bytes.ts";
import type { Certificate } from "../formats/certificate.ts";
import { noteKeyId } from "../formats/checkpoint.ts";
import { formatClientTrustConfig } from "../formats/client-trust-config.ts";
import { formatPem } from "../formats/pem.ts";
import { formatSigningConfig, type SigningConfig } from "../formats/signing-config.ts";
import {
  formatTrustedRoot,
  type LogKey,
  type TrustedRoot,
  type Validity,
} from "../formats/trusted-root.ts";
import type { CaAuthority, TsaAuthority } from "./authorities.ts";
import { pemChain } from "./ca-v1.ts";
import { type Line, type Use, wholeLine } from "./rotations.ts";
import type { NamedKey } from "./stack-keys.ts";
import { closedPath } from "./stack-routes.ts";
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
  readonly ca: Line<CaAuthority>;
  readonly tsa: Line<TsaAuthority>;
  readonly rekor: Line<NamedKey>;
  readonly rekorV2: Line<NamedKey>;
  /** The name in Rekor v2's checkpoints. */
  readonly rekorV2Origin: string;
  readonly ctlog: Line<NamedKey>;
};

/** A first key is trusted from when the stack was made, a current one with no end. */
const validity = ({ ca }: StackTrust, { from, until }: Use): Validity => ({
  start: from ?? (ca.earlier[0] ?? ca.current).chain[0]?.notBefore ?? 0,
  end: until,
});

const logKey = (baseUrl: string, own: NamedKey & Use, trust: StackTrust): LogKey => ({
  baseUrl,
  logId: own.key.publicKey.keyId,
  checkpointKeyId: undefined,
  publicKey: own.key.publicKey,
  validity: validity(trust, own),
});

/** A log that was closed is read elsewhere, since another one answers at the usual place. */
const placeOf = (baseUrl: string, { name, until }: NamedKey & Use): string =>
  until === undefined ? baseUrl : `${baseUrl}${closedPath(name)}`;

const trustedRoot = (trust: StackTrust): TrustedRoot => {
  const { urls } = trust;
  return {
    tlogs: [
      ...wholeLine(trust.rekor).map((own) => logKey(urls.rekor, own, trust)),
      ...wholeLine(trust.rekorV2).map((own) => ({
        ...logKey(placeOf(urls.rekor, own), own, trust),
        // Rekor v2 is known by the key id of its checkpoints (C2SP signed-note), whole.
        logId: noteKeyId(trust.rekorV2Origin, own.key.publicKey),
      })),
    ],
    ctlogs: wholeLine(trust.ctlog).map((own) => logKey(placeOf(urls.ctlog, own), own, trust)),
    certificateAuthorities: wholeLine(trust.ca).map((own) => ({
      uri: urls.fulcio,
      chain: own.chain,
      validity: validity(trust, own),
    })),
    timestampAuthorities: wholeLine(trust.tsa).map((own) => ({
      uri: urls.tsa,
      chain: own.chain,
      validity: validity(trust, own),
    })),
  };
};

const signingConfig = (trust: StackTrust, rekorVersion: 1 | 2): SigningConfig => {
  const since = validity(trust, { from: undefined, until: undefined });
  const service = (url: string, majorApiVersion = 1) => [
    { url, majorApiVersion, validity: since, operator: "wheelseal-local" },
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

const keyPem = ({ key }: NamedKey): Uint8Array => utf8(formatPem("PUBLIC KEY", key.publicKey.spki));

/** The same file of each generation: the current one has the usual name. */
const filesOf = <T>(
  line: Line<T>,
  name: (number: string) => string,
  content: (own: T & Use) => Uint8Array,
): [string, Uint8Array][] =>
  wholeLine(line).map((own, at) => [name(own === line.current ? "" : `-${at + 1}`), content(own)]);

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
    ...filesOf(
      trust.ca,
      (number) => `fulcio-chain${number}.pem`,
      ({ chain }) => chainPem(chain),
    ),
    ...filesOf(
      trust.tsa,
      (number) => `tsa-chain${number}.pem`,
      ({ chain }) => chainPem(chain),
    ),
    ...filesOf(trust.rekor, (number) => `rekor${number}.pub`, keyPem),
    ...filesOf(trust.ctlog, (number) => `ctfe${number}.pub`, keyPem),
  ]);
};

/**
 * What the TUF repository vouches for, by name: the trusted root and signing config that clients
 * read today, and the single keys and certificates by which cosign 2 is told, with their usage.
 */
export const tufTargets = (trust: StackTrust): ReadonlyMap<string, TufTarget> => {
  const { urls } = trust;
  const used = <T>(
    line: Line<T>,
    usage: "Fulcio" | "CTFE" | "Rekor",
    uri: string,
    name: (number: string) => string,
    content: (own: T & Use) => Uint8Array,
  ): [string, TufTarget][] => {
    const current = name("");
    return filesOf(line, name, content).map(([file, bytes]) => {
      const status = file === current ? "Active" : "Expired";
      return [file, { content: bytes, custom: { sigstore: { status, usage, uri } } }];
    });
  };
  return new Map<string, TufTarget>([
    ["trusted_root.json", { content: formatTrustedRoot(trustedRoot(trust)) }],
    ["signing_config.v0.2.json", { content: formatSigningConfig(signingConfig(trust, 1)) }],
    [
      "signing_config_rekor_v2.v0.2.json",
      { content: formatSigningConfig(signingConfig(trust, 2)) },
    ],
    ...used(
      trust.ca,
      "Fulcio",
      urls.fulcio,
      (number) => `fulcio${number}.crt.pem`,
      ({ chain }) => chainPem(chain.slice(-1)),
    ),
    ...used(
      trust.ca,
      "Fulcio",
      urls.fulcio,
      (number) => `fulcio_intermediate${number}.crt.pem`,
      ({ chain }) => chainPem(chain.slice(0, -1)),
    ),
    ...used(trust.ctlog, "CTFE", urls.ctlog, (number) => `ctfe${number}.pub`, keyPem),
    ...used(trust.rekor, "Rekor", urls.rekor, (number) => `rekor${number}.pub`, keyPem),
  ]);
};
