import { sha256 } from "../crypto/hash.ts";
import { equal, hex } from "../formats/bytes.ts";
import { parseCertificate } from "../formats/certificate.ts";
import { leafHash, rootOfInclusion, verifyConsistency } from "../formats/merkle.ts";
import { failure } from "../formats/result.ts";
import { type BodySignature, parseBody } from "../formats/tlog-body-parse.ts";
import { signerOf } from "../verification/signer.ts";
import type { Consistency, EntryView, GrowthPoint, SigningRow } from "../web/console.ts";
import type { OwnLog } from "./console-pages.ts";
import type { StackView } from "./stack.ts";

type Named = EntryView["signers"][number];

const signerIn = ({ verifier }: BodySignature): Named => {
  const key = { identity: `key ${hex(sha256(verifier.der))}`, issuer: "", claims: {} };
  if (verifier.kind === "public-key") return key;
  const certificate = parseCertificate(verifier.der);
  const signer = certificate.ok ? signerOf(certificate.value) : certificate;
  if (!signer.ok) return { ...key, identity: `certificate ${hex(sha256(verifier.der))}` };
  const { san, issuer, claims } = signer.value;
  return { identity: san, issuer, claims };
};

/** What an entry says, with nothing of it verified; one that cannot be read is of kind `unreadable`. */
export const readEntry = (body: Uint8Array): Pick<EntryView, "kind" | "sha256" | "signers"> => {
  const parsed = parseBody(body);
  if (!parsed.ok) return { kind: "unreadable", sha256: hex(sha256(body)), signers: [] };
  const { kind, version, digest, signatures } = parsed.value;
  return {
    kind: `${kind} ${version}`,
    sha256: hex(digest.bytes),
    signers: signatures.map(signerIn),
  };
};

const GROWTH_POINTS = 60;
const MAX_FOUND = 200;

type Tree = StackView["rekor"];

const growth = (tree: Tree): GrowthPoint[] => {
  const { size } = tree.head();
  const points = Math.min(GROWTH_POINTS, size);
  const indexes = Array.from({ length: points }, (_, at) =>
    points === 1 ? 0 : Math.round((at * (size - 1)) / (points - 1)),
  );
  return indexes.flatMap((index) => {
    const leaf = tree.leaf(index);
    return leaf === undefined ? [] : { at: leaf.at, size: index + 1 };
  });
};

const withDigest = (tree: Tree, digest: string): SigningRow[] =>
  tree.search(`sha256:${digest}`, MAX_FOUND).flatMap((index) => {
    const leaf = tree.leaf(index);
    if (leaf === undefined) return [];
    const { kind, sha256: over, signers } = readEntry(leaf.body);
    const [first] = signers;
    const named = { identity: first?.identity ?? "", issuer: first?.issuer ?? "" };
    return { seq: index, entry: index, at: leaf.at, kind, sha256: over, ...named };
  });

const entry = (tree: Tree, index: number): EntryView | undefined => {
  const leaf = tree.leaf(index);
  if (leaf === undefined) return undefined;
  const head = tree.head();
  const proof = tree.inclusionProof(index, head.size);
  const root = rootOfInclusion(leafHash(leaf.body), BigInt(index), BigInt(head.size), proof);
  return {
    index,
    at: leaf.at,
    leafHash: hex(leaf.hash),
    ...readEntry(leaf.body),
    treeSize: head.size,
    rootHash: hex(head.root),
    hashes: proof.map(hex),
    included: root.ok && equal(root.value, head.root),
    origin: head.note.split("\n", 1)[0] ?? "",
    body: new TextDecoder().decode(leaf.body),
  };
};

/** Proves and checks; the log's own word, roots included, is not taken for it. */
const consistency = (tree: Tree, first: number, second: number): Consistency | undefined => {
  if (first < 1 || second < 1) return undefined;
  const { size } = tree.head();
  const none = { first, second, firstRoot: "", secondRoot: "", hashes: [] };
  if (first > second || second > size) {
    const message = `${first} and ${second} are not sizes of this log, in order, up to ${size}`;
    return { ...none, failure: failure("TLOG_CONSISTENCY", message) };
  }
  const firstRoot = tree.root(first);
  const secondRoot = tree.root(second);
  const proof = tree.consistencyProof(first, second);
  const checked = verifyConsistency(
    { size: BigInt(first), root: firstRoot },
    { size: BigInt(second), root: secondRoot },
    proof,
  );
  const shown = { first, second, firstRoot: hex(firstRoot), secondRoot: hex(secondRoot) };
  const hashes = proof.map(hex);
  return checked.ok ? { ...shown, hashes } : { ...shown, hashes, failure: checked.error };
};

/** The stack's log, to look into. */
export const ownLog = ({ rekor, rekorV2 }: Pick<StackView, "rekor" | "rekorV2">): OwnLog => ({
  heads: () =>
    [["Rekor v1", rekor.head()] as const, ["Rekor v2", rekorV2.head()] as const].map(
      ([name, { size, root }]) => ({ name, size, root: hex(root) }),
    ),
  growth: () => growth(rekor),
  withDigest: (digest) => withDigest(rekor, digest),
  entry: (index) => entry(rekor, index),
  consistency: (first, second) => consistency(rekor, first, second),
});
