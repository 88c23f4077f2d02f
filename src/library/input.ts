import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { systemFiles } from "../clients/files.ts";
import { type Outside, outsideWith } from "../clients/outside.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { systemRandom } from "../crypto/random.ts";
import { type Artifact, artifactOfBytes } from "../formats/artifact.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { PUBLIC_GOOD_ROOT } from "../formats/public-good-root.ts";
import { ok, type Result, unwrap } from "../formats/result.ts";
import { parseTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { Expectation, IdentityPolicy } from "../verification/verdict.ts";

/**
 * A file: a path (relative ones to the working folder), a `file:` URL, or its whole content.
 * Files are streamed; content is held in memory.
 */
export type FileInput = string | URL | Uint8Array;

/** Who must have signed: any one of these identities, or the holder of this key. */
export type Expected =
  | { readonly identity: IdentityPolicy | readonly IdentityPolicy[]; readonly key?: never }
  | { readonly key: PublicKey; readonly identity?: never };

const pathOf = (file: string | URL): string =>
  resolve(typeof file === "string" ? file : fileURLToPath(file));

/** The whole content of a piece of evidence, at most 16 MiB. */
export const readEvidence = async (file: FileInput): Promise<Result<Uint8Array>> =>
  file instanceof Uint8Array ? ok(file) : systemFiles.read(pathOf(file), MAX_EVIDENCE_BYTES);

/** A file as an artifact; `name` stands for, or in place of, the name of the path. */
export const readArtifact = async (
  file: FileInput,
  name: string | undefined,
): Promise<Result<Artifact>> => {
  if (file instanceof Uint8Array) return ok(artifactOfBytes(file, name));
  const artifact = await systemFiles.artifact(pathOf(file));
  if (!artifact.ok || name === undefined) return artifact;
  return ok({ ...artifact.value, name });
};

/** The expectation that the verifier takes. A list that is empty accepts nobody. */
export const expectationOf = (expected: Expected): Expectation => {
  if (expected.key !== undefined) return { kind: "key", key: expected.key };
  const { identity } = expected;
  return { kind: "identity", anyOf: isList(identity) ? identity : [identity] };
};

const isList = (
  identity: IdentityPolicy | readonly IdentityPolicy[],
): identity is readonly IdentityPolicy[] => Array.isArray(identity);

/**
 * The trust root of the public Sigstore instance, as it is built in; nothing is fetched. It ages:
 * give a fresher `trusted_root.json` where you have one, see {@link parseTrustedRoot}.
 */
export const publicGoodRoot = (): TrustedRoot => unwrap(parseTrustedRoot(PUBLIC_GOOD_ROOT));

/** The clock, the network and the randomness of this process. */
export const systemOutside = (): Outside => outsideWith(systemRandom);
