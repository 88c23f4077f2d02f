import type { HashName } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { digestStream } from "../formats/artifact.ts";
import type { Bundle, BundleContent, KeyMaterial } from "../formats/bundle.ts";
import { equal, hex } from "../formats/bytes.ts";
import type { Certificate } from "../formats/certificate.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import {
  type BodyVerifier,
  certificateVerifier,
  keyVerifier,
  type Logged,
} from "../formats/tlog-body.ts";
import { type Finding, passed, refused, refusedAs } from "./finding.ts";
import type { Expectation, VerificationInput } from "./verdict.ts";

/** What the evidence is signed with, and what its log entries must be about. */
export type Material = {
  readonly key: PublicKey;
  /** Absent for a managed key. */
  readonly certificate: Certificate | undefined;
  /** From the bundle; help to build a path, are never trusted. */
  readonly intermediates: readonly Certificate[];
  readonly signature: Uint8Array;
  readonly logged: Logged;
};

type Keys = Pick<Material, "key" | "certificate" | "intermediates"> & {
  readonly verifier: BodyVerifier;
};

/** The key comes from the certificate, or from the caller; never from a hint. */
const chooseKey = (material: KeyMaterial, expect: Expectation): Result<Keys> => {
  if (material.kind === "certificate") {
    if (expect.kind === "key") {
      return fail("KEY_MISMATCH", "a key was given, and the bundle has a certificate");
    }
    const { certificate, chain } = material;
    const verifier = certificateVerifier(certificate);
    return ok({ key: certificate.publicKey, certificate, intermediates: chain, verifier });
  }
  if (expect.kind === "identity") {
    return fail("KEY_MISSING", "the bundle was signed with a managed key, and none was given");
  }
  const { key } = expect;
  return ok({ key, certificate: undefined, intermediates: [], verifier: keyVerifier(key) });
};

const HASHES: Readonly<Record<string, HashName>> = {
  SHA2_256: "sha256",
  SHA2_384: "sha384",
  SHA2_512: "sha512",
};

type Message = Extract<BundleContent, { kind: "message-signature" }>;

/** SHA-256 where the bundle names none: what cosign signs over, whatever the key. */
const hashOf = ({ digest }: Message): Result<HashName> => {
  if (digest === undefined) return ok("sha256");
  const name = Object.hasOwn(HASHES, digest.algorithm) ? HASHES[digest.algorithm] : undefined;
  return name === undefined
    ? fail("SIGNATURE_ALGORITHM", `the digest algorithm ${digest.algorithm} is not supported`)
    : ok(name);
};

const artifactDigest = async (
  { artifact }: VerificationInput,
  hash: HashName,
): Promise<Result<Uint8Array>> => {
  if (hash === "sha256") return ok(artifact.sha256);
  if (artifact.open === undefined) {
    return fail(
      "SIGNATURE_ALGORITHM",
      `the signature is over ${hash}, which needs the file itself`,
    );
  }
  return ok((await digestStream(hash, artifact.open())).digest);
};

const messageLogged = async (
  input: VerificationInput,
  message: Message,
  verifier: BodyVerifier,
): Promise<Result<Logged>> => {
  const hash = hashOf(message);
  if (!hash.ok) return hash;
  const digest = await artifactDigest(input, hash.value);
  if (!digest.ok) return digest;
  const claimed = message.digest?.bytes;
  if (claimed !== undefined && !equal(claimed, digest.value)) {
    const [said, found] = [hex(claimed), hex(digest.value)];
    return fail("SIGNATURE_DIGEST", `the bundle is for a file of digest ${said}, not ${found}`);
  }
  const { signature } = message;
  return ok({ kind: "artifact", hash: hash.value, digest: digest.value, signature, verifier });
};

const loggedOf = async (
  input: VerificationInput,
  { content }: Bundle,
  verifier: BodyVerifier,
): Promise<Result<Logged>> =>
  content.kind === "message-signature"
    ? messageLogged(input, content, verifier)
    : ok({ kind: "envelope", envelope: content.envelope, verifier });

/**
 * Takes the evidence apart: with which key it must verify, and what a log entry about it says.
 * The digest that a bundle states is compared with the artifact's, and used for nothing else.
 *
 * @returns `KEY_MISMATCH`, `KEY_MISSING`, `SIGNATURE_ALGORITHM`, `SIGNATURE_DIGEST`
 */
export const checkMaterial = async (input: VerificationInput): Promise<Finding<Material>> => {
  const { bundle, expect } = input;
  const keys = chooseKey(bundle.material, expect);
  if (!keys.ok) return refusedAs("material", keys);
  const { verifier, ...chosen } = keys.value;
  const logged = await loggedOf(input, bundle, verifier);
  if (!logged.ok) return refusedAs("material", logged);
  const { content } = bundle;
  const signature = content.kind === "dsse" ? content.envelope.signature : content.signature;
  if (signature.length === 0) return refused("material", "BUNDLE_FORMAT", "the signature is empty");
  const what = content.kind === "dsse" ? "an envelope" : "a signature over the file";
  const by = chosen.certificate === undefined ? "the given key" : "a certificate";
  const detail = `${what}, with ${by} (${chosen.key.algorithm})`;
  return passed("material", { ...chosen, signature, logged: logged.value }, detail);
};
