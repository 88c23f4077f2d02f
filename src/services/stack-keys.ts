import type { KeyAlgorithm, PrivateKey } from "../crypto/keys.ts";
import type { RandomBytes } from "../crypto/random.ts";
import { base64url, fromUtf8, utf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type CaAuthority, openCa, openTsa, type TsaAuthority } from "./authorities.ts";
import {
  generationName,
  type Line,
  openLine,
  openRotations,
  type RotatedKey,
  type Rotations,
} from "./rotations.ts";
import type { State } from "./state.ts";

export type Outside = { readonly now: () => number; readonly random: RandomBytes };

/** A key, and the name that its files have. */
export type NamedKey = { readonly name: string; readonly key: PrivateKey };

/** Keys and secrets that outlive a restart. */
export type Kept = {
  readonly ca: Line<CaAuthority>;
  readonly tsa: Line<TsaAuthority>;
  readonly rekor: Line<NamedKey>;
  readonly rekorV2: Line<NamedKey>;
  readonly ctlog: Line<NamedKey>;
  readonly issuer: Line<NamedKey>;
  readonly tokenSecret: string;
  readonly jobToken: string;
};

/** The keys of one kind that is a key alone. */
export const openKeys = (
  state: State,
  rotations: Rotations,
  kind: Exclude<RotatedKey, "ca" | "tsa">,
): Promise<Result<Line<NamedKey>>> =>
  openLine(rotations.generations(kind), async (generation) => {
    const name = generationName(kind, generation);
    const key = await state.key(name, ALGORITHMS[kind]);
    return key.ok ? ok({ name, key: key.value }) : key;
  });

/**
 * cosign 2 takes only ECDSA for both logs, GitLab signs tokens with RSA, and witnesses take only
 * Ed25519 (c2sp.org/tlog-checkpoint).
 */
const ALGORITHMS = {
  rekor: "ecdsa-p256",
  "rekor-v2": "ed25519",
  ctlog: "ecdsa-p256",
  issuer: "rsa-pkcs1v15",
} as const satisfies Record<string, KeyAlgorithm>;

/** Opens the keys of a folder, made where absent; those in `rotate` are replaced. */
export const openKept = async (
  state: State,
  outside: Outside,
  rotate: readonly RotatedKey[],
): Promise<Result<Kept>> => {
  const rotations = await openRotations(state, rotate, outside.now);
  if (!rotations.ok) return rotations;
  const { generations } = rotations.value;
  const ca = await openLine(generations("ca"), (each) => openCa(state, outside, each));
  if (!ca.ok) return ca;
  const tsa = await openLine(generations("tsa"), (each) => openTsa(state, outside, each));
  if (!tsa.ok) return tsa;
  const rekor = await openKeys(state, rotations.value, "rekor");
  if (!rekor.ok) return rekor;
  const rekorV2 = await openKeys(state, rotations.value, "rekor-v2");
  if (!rekorV2.ok) return rekorV2;
  const ctlog = await openKeys(state, rotations.value, "ctlog");
  if (!ctlog.ok) return ctlog;
  const issuer = await openKeys(state, rotations.value, "issuer");
  if (!issuer.ok) return issuer;
  const tokenSecret = await keepSecret(state, "token-secret", outside.random);
  if (!tokenSecret.ok) return tokenSecret;
  const jobToken = await keepSecret(state, "job-token", outside.random);
  if (!jobToken.ok) return jobToken;
  return ok({
    ca: ca.value,
    tsa: tsa.value,
    rekor: rekor.value,
    rekorV2: rekorV2.value,
    ctlog: ctlog.value,
    issuer: issuer.value,
    tokenSecret: tokenSecret.value,
    jobToken: jobToken.value,
  });
};

const keepSecret = async (
  state: State,
  name: string,
  random: RandomBytes,
): Promise<Result<string>> => {
  const kept = await state.keep(name, () => utf8(`${base64url(random(32))}\n`));
  const text = kept.ok ? fromUtf8(kept.value) : kept;
  return text.ok ? ok(text.value.trim()) : fail("STATE_CORRUPT", `${name}: ${text.error.message}`);
};
