import { resolve } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import { parseClientTrustConfig } from "../formats/client-trust-config.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseSigningConfig } from "../formats/signing-config.ts";
import { signingServices } from "../formats/signing-services.ts";
import { trustFromFiles } from "../formats/trust-files.ts";
import { MAX_TRUST_BYTES, parseTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { Invocation } from "./command.ts";
import type { Settings } from "./settings.ts";
import { localTrustConfig, usesLocalStack } from "./stack.ts";
import type { Refreshing, TufBacked } from "./trust-tuf.ts";

/** Whom a command trusts, and the services that the trust names. */
export type Trust = {
  readonly root: TrustedRoot;
  /** Where the root came from, for people. */
  readonly from: string;
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  readonly tsaUrl?: string;
  /** The issuer of id_tokens, where the trust names one. */
  readonly issuerUrl?: string;
  /** The TUF repository behind it, where there is one. */
  readonly tuf?: Pick<TufBacked, "mirror" | "rootVersion" | "expires" | "refreshedAt">;
};

/** The environment variables by which cosign is told whom to trust. */
const COSIGN_FILES = {
  root: "SIGSTORE_ROOT_FILE",
  rekor: "SIGSTORE_REKOR_PUBLIC_KEY",
  ctlog: "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE",
} as const;

/** As cosign 2.5 and later read it; without it no timestamp is trusted. */
const TSA_FILE = "SIGSTORE_TSA_CERTIFICATE_FILE";

/**
 * The trust root: --trust-config, --trusted-root, --tuf-mirror with --tuf-root, cosign's three
 * files, the local stack's exported configuration in the local profile, or else the public-good
 * root. Never from the service that is being verified.
 *
 * @param refreshing - `now` asks a TUF repository even where that is not due
 */
export const trustOf = async (
  invocation: Invocation,
  settings: Settings,
  refreshing: Refreshing = "when-due",
): Promise<Result<Trust>> => {
  const config = settings.text("trust-config");
  if (config !== undefined) return fromConfig(invocation, config, settings);
  const root = settings.text("trusted-root");
  if (root !== undefined) return fromRoot(invocation, root, settings);
  const mirror = settings.text("tuf-mirror");
  if (mirror !== undefined) return fromMirror(invocation, settings, mirror, refreshing);
  const pin = settings.find("trust-sha256");
  if (pin !== undefined) {
    return fail("CONFIG", `${pin.from} pins a trust file, and no option names one`);
  }
  if (settings.env[COSIGN_FILES.root] !== undefined) return fromCosignFiles(invocation, settings);
  if (usesLocalStack(settings)) {
    const local = await localTrustConfig(invocation, settings);
    return local.ok ? fromConfig(invocation, local.value) : local;
  }
  const { publicGoodTrust } = await import("./trust-tuf.ts");
  const publicGood = await publicGoodTrust(invocation, settings, refreshing);
  if (!publicGood.ok) return publicGood;
  const trust = backedBy(publicGood.value, "the public-good root");
  return trust.ok ? ok({ ...trust.value, ...PUBLIC_GOOD }) : trust;
};

/** A mirror says nothing about itself: the root that it is to follow comes another way. */
const fromMirror = async (
  invocation: Invocation,
  settings: Settings,
  mirror: string,
  refreshing: Refreshing,
): Promise<Result<Trust>> => {
  const path = settings.text("tuf-root");
  if (path === undefined) return fail("CONFIG", "--tuf-mirror needs --tuf-root");
  const firstRoot = await readPinned(invocation, path, settings);
  if (!firstRoot.ok) return firstRoot;
  const pinned = { mirror, firstRoot: firstRoot.value };
  const { privateTufTrust } = await import("./trust-tuf.ts");
  const backed = await privateTufTrust(invocation, settings, pinned, refreshing);
  if (!backed.ok) return backed;
  const trust = backedBy(backed.value, mirror);
  const { signingConfig } = backed.value;
  if (!trust.ok || signingConfig === undefined) return trust;
  const config = parseSigningConfig(signingConfig);
  return config.ok
    ? ok({ ...trust.value, ...signingServices(config.value, invocation.outside.now()) })
    : config;
};

const backedBy = (backed: TufBacked, name: string): Result<Trust> => {
  const { trustedRoot, mirror, rootVersion, expires, refreshedAt } = backed;
  const root = parseTrustedRoot(trustedRoot);
  if (!root.ok) return root;
  const origin = refreshedAt === undefined ? "as built in" : "refreshed by TUF";
  const tuf = { mirror, rootVersion, expires, refreshedAt };
  return ok({ root: root.value, from: `${name}, ${origin}`, tuf });
};

/** The public-good services, as its signing configuration names them. */
const PUBLIC_GOOD = {
  fulcioUrl: "https://fulcio.sigstore.dev",
  rekorUrl: "https://rekor.sigstore.dev",
} as const;

const read = ({ files, terminal }: Invocation, path: string): Promise<Result<Uint8Array>> =>
  files.read(resolve(terminal.cwd, path), MAX_TRUST_BYTES);

/** The same, of the digest that was pinned, if one was. */
export const readPinned = async (
  invocation: Invocation,
  path: string,
  settings: Settings | undefined,
): Promise<Result<Uint8Array>> => {
  const bytes = await read(invocation, path);
  const pin = settings?.find("trust-sha256");
  if (!bytes.ok || pin === undefined) return bytes;
  const digest = hex(sha256(bytes.value));
  return digest === pin.value.toLowerCase()
    ? bytes
    : fail("TRUST_PIN", `${path} has SHA-256 ${digest}, and ${pin.from} is ${pin.value}`);
};

const fromRoot = async (
  invocation: Invocation,
  path: string,
  settings: Settings,
): Promise<Result<Trust>> => {
  const bytes = await readPinned(invocation, path, settings);
  if (!bytes.ok) return bytes;
  const root = parseTrustedRoot(bytes.value);
  return root.ok ? ok({ root: root.value, from: path }) : root;
};

const fromConfig = async (
  invocation: Invocation,
  path: string,
  settings?: Settings,
): Promise<Result<Trust>> => {
  const bytes = await readPinned(invocation, path, settings);
  if (!bytes.ok) return bytes;
  const config = parseClientTrustConfig(bytes.value);
  if (!config.ok) return config;
  const { trustedRoot, signingConfig } = config.value;
  return ok({
    root: trustedRoot,
    from: path,
    ...signingServices(signingConfig, invocation.outside.now()),
  });
};

const fromCosignFiles = async (
  invocation: Invocation,
  settings: Settings,
): Promise<Result<Trust>> => {
  const texts: Record<string, string> = {};
  const tsaFile = settings.env[TSA_FILE] ? { tsa: TSA_FILE } : {};
  for (const [name, variable] of Object.entries({ ...COSIGN_FILES, ...tsaFile })) {
    const path = settings.env[variable];
    if (path === undefined || path === "") return fail("CONFIG", `${variable} is not set`);
    const bytes = await read(invocation, path);
    if (!bytes.ok) return bytes;
    const text = fromUtf8(bytes.value);
    if (!text.ok) return fail("TRUST_FORMAT", `${path} is not text`);
    texts[name] = text.value;
  }
  const { root: fulcio = "", rekor = "", ctlog: ctfe = "", tsa } = texts;
  const trusted = trustFromFiles({ fulcio, rekor, ctfe, ...(tsa === undefined ? {} : { tsa }) });
  return trusted.ok ? ok({ root: trusted.value, from: "the SIGSTORE_* files" }) : trusted;
};
