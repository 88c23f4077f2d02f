import pLimit from "p-limit";
import type { Artifact } from "../formats/artifact.ts";
import { type Bundle, formatBundle, parseBundle } from "../formats/bundle.ts";
import { hex } from "../formats/bytes.ts";
import { evidenceNames } from "../formats/evidence.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Expectation } from "../verification/verdict.ts";
import { verify } from "../verification/verify.ts";
import type { SignClients, SignedDistribution } from "./2-sign.ts";
import { isDistribution } from "./3-verify.ts";
import type { NamedArtifact } from "./release.ts";
import { signMessage } from "./sign-bundle.ts";
import { type SigningCertificate, signingCertificates } from "./signing-certificate.ts";

export type SignFilesInput = {
  readonly paths: readonly string[];
  /** Whom the signatures must verify as; whom the id_token names where absent. */
  readonly expect?: Expectation;
  readonly trust: TrustedRoot;
};

/**
 * Signs files of any kind: each gets a bundle v0.3 with a message signature beside it, in
 * `FILE.sigstore.json`, which proves who signed these bytes and nothing about a release. All are
 * read before the first is signed; each bundle is verified before it is written.
 *
 * Fails with DIST_NAME for a wheel or an sdist, which are signed as a release by their folder;
 * SIGN_SELF_CHECK, DIST_CHANGED, the TOKEN_, FULCIO_, REKOR_, TSA_ and FILE_ codes, and
 * NETWORK_UNREACHABLE.
 */
export const signFiles = async (
  input: SignFilesInput,
  clients: SignClients,
): Promise<Result<SignedDistribution[]>> => {
  const artifacts = await openAll(input.paths, clients);
  if (!artifacts.ok) return artifacts;
  const certificates = signingCertificates({ ...clients, oneEach: false });
  let failed: Result<never> | undefined;
  const signed = await pLimit(FILES_AT_ONCE).map(artifacts.value, async ([path, artifact]) => {
    // After the first failure no other file is begun.
    if (failed !== undefined) return failed;
    const signing = await certificates.current();
    const result = signing.ok
      ? await signFile(path, artifact, { signing: signing.value, input, clients })
      : signing;
    if (!result.ok) failed ??= result;
    return result;
  });
  return failed ?? all(signed);
};

/** Enough to wait for the log and the disk at the same time. */
const FILES_AT_ONCE = 8;

type FileSigning = {
  readonly signing: SigningCertificate;
  readonly input: SignFilesInput;
  readonly clients: SignClients;
};

const signFile = async (
  path: string,
  artifact: NamedArtifact,
  { signing, input, clients }: FileSigning,
): Promise<Result<SignedDistribution>> => {
  const bundle = await signedBundle(artifact, signing, input, clients);
  if (!bundle.ok) return bundle;
  const { name: filename, sha256, size } = artifact;
  const name = evidenceNames(filename).bundle;
  const folder = path.slice(0, path.length - filename.length);
  const written = await clients.files.write(`${folder}${name}`, bundle.value);
  if (!written.ok) return written;
  return ok({ filename, sha256: hex(sha256), size, evidence: [name], kept: false });
};

const openAll = async (
  paths: readonly string[],
  { files }: SignClients,
): Promise<Result<Map<string, NamedArtifact>>> => {
  const artifacts = new Map<string, NamedArtifact>();
  for (const path of paths) {
    const artifact = await files.artifact(path);
    if (!artifact.ok) return artifact;
    if (isDistribution(artifact.value.name)) {
      const { name } = artifact.value;
      return fail("DIST_NAME", `${name} is a distribution: sign the folder that it is in`);
    }
    artifacts.set(path, artifact.value);
  }
  return ok(artifacts);
};

const signedBundle = async (
  artifact: NamedArtifact,
  signing: SigningCertificate,
  { trust, expect = signing.expect }: SignFilesInput,
  { rekor, bundleRekor = rekor, tsa, now }: SignClients,
): Promise<Result<Uint8Array>> => {
  const made = await signMessage(artifact, { signing, rekor: bundleRekor, tsa });
  return made.ok ? selfChecked(made.value, artifact, { trust, expect, now: now() }) : made;
};

/**
 * The bytes of a bundle that was just made, verified as their reader will.
 *
 * @returns `SIGN_SELF_CHECK` where they are refused
 */
export const selfChecked = async (
  made: Bundle,
  artifact: Artifact,
  by: { readonly trust: TrustedRoot; readonly expect: Expectation; readonly now: number },
): Promise<Result<Uint8Array>> => {
  const bytes = formatBundle(made);
  const bundle = parseBundle(bytes);
  if (!bundle.ok) return fail("SIGN_SELF_CHECK", bundle.error.message);
  const { name: _, ...unnamed } = artifact;
  const verdict = await verify({ artifact: unnamed, bundle: bundle.value, ...by });
  if (verdict.verified) return ok(bytes);
  const { code, message } = verdict.failure;
  return fail("SIGN_SELF_CHECK", `${code}: ${message}`);
};
