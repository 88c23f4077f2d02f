import { verifySignature } from "../crypto/verify.ts";
import type { InclusionProof, TlogEntry } from "../formats/bundle.ts";
import { equal, hex, utf8 } from "../formats/bytes.ts";
import {
  type Checkpoint,
  type NoteSignature,
  noteKeyHint,
  parseCheckpoint,
  parseNote,
  type SignedNote,
} from "../formats/checkpoint.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { LogKey } from "../formats/trusted-root.ts";
import { absent, type Finding, passed, refused, refusedAs } from "./finding.ts";
import { checkWitnesses, type WitnessDemand } from "./witness.ts";

/**
 * Under which names the log may sign: the host of its URL, with or without its port. A log known
 * from a bare key has no URL; then its key alone says who it is.
 */
const namesOf = (log: LogKey): readonly string[] | undefined => {
  const url = URL.parse(log.baseUrl);
  return url === null ? undefined : [url.host, url.hostname];
};

/** Rekor v1's first line is `HOST - TREE`, v2's the host alone: both begin with the signer's name. */
const originHost = (origin: string): string => {
  const tree = origin.indexOf(" - ");
  return tree < 0 ? origin : origin.slice(0, tree);
};

/** The lines that claim to be by the log's key: each must verify, others are of witnesses. */
const linesOf = (note: SignedNote, log: LogKey): NoteSignature[] =>
  note.signatures.filter(({ name, keyHint }) => equal(keyHint, noteKeyHint(name, log.publicKey)));

const checkSignatures = async (
  note: SignedNote,
  log: LogKey,
  origin: string,
): Promise<Result<undefined>> => {
  const names = namesOf(log);
  const host = originHost(origin);
  if (names !== undefined && !names.includes(host)) {
    return fail("TLOG_CHECKPOINT", `the checkpoint is of ${host}, not of ${names.join(" or ")}`);
  }
  const lines = linesOf(note, log);
  if (lines.length === 0) {
    return fail("TLOG_CHECKPOINT", "no signature under the checkpoint is by the log's key");
  }
  for (const { name, signature } of lines) {
    if (name !== host) {
      return fail("TLOG_CHECKPOINT", `${name} signed a checkpoint of ${host}`);
    }
    const good = await verifySignature(log.publicKey, "sha256", signature, utf8(note.text));
    if (!good)
      return fail("TLOG_CHECKPOINT", "the log's signature under the checkpoint is not good");
  }
  return ok(undefined);
};

/** A checkpoint with the note that it stands in. */
export type OpenedCheckpoint = { readonly note: SignedNote; readonly checkpoint: Checkpoint };

/**
 * Opens a signed note as a checkpoint of this log. Of the note's signatures, every one that claims
 * the log's key must be good and under the log's name; those of unknown keys (witnesses) count for
 * nothing.
 *
 * @returns `TLOG_CHECKPOINT`
 */
export const openCheckpoint = async (
  text: string,
  log: LogKey,
): Promise<Result<OpenedCheckpoint>> => {
  const note = parseNote(text);
  if (!note.ok) return note;
  const checkpoint = parseCheckpoint(note.value.text);
  if (!checkpoint.ok) return checkpoint;
  const signed = await checkSignatures(note.value, log, checkpoint.value.origin);
  return signed.ok ? ok({ note: note.value, checkpoint: checkpoint.value }) : signed;
};

const checkTree = (
  proof: InclusionProof,
  size: bigint,
  root: Uint8Array,
  vouched: string,
): Finding<undefined> => {
  const compared = {
    expected: `size ${proof.treeSize}, root ${hex(proof.rootHash)}`,
    actual: `size ${size}, root ${hex(root)}`,
  };
  if (size === proof.treeSize && equal(root, proof.rootHash)) {
    const detail = `the log signed the root that the proof leads to${vouched}`;
    return passed("log-checkpoint", undefined, detail, compared);
  }
  const message = "the signed checkpoint is of another tree than the inclusion proof";
  return refused("log-checkpoint", "TLOG_CHECKPOINT_ROOT", message, compared);
};

const NO_WITNESSES: WitnessDemand = { witnesses: [], threshold: 0 };

/** Only version 0.1 and cosign's own format have no checkpoint, and both must have a promise. */
const withoutCheckpoint = (entry: TlogEntry, { threshold }: WitnessDemand): Finding<undefined> => {
  if (entry.signedEntryTimestamp === undefined) {
    const message = "the entry's proof has no checkpoint";
    return refused("log-checkpoint", "TLOG_INCLUSION_MISSING", message);
  }
  return threshold > 0
    ? refused("log-checkpoint", "TLOG_WITNESSES", "no witness vouches for a promise of the log")
    : absent("log-checkpoint", undefined, "the entry has a promise and no checkpoint");
};

/**
 * Proves that the log signed the root to which the inclusion proof leads; see
 * {@link openCheckpoint}.
 *
 * @param demand - which witnesses must vouch for it; none where absent
 * @returns `TLOG_CHECKPOINT`, `TLOG_CHECKPOINT_ROOT`, `TLOG_WITNESSES`
 */
export const checkCheckpoint = async (
  entry: TlogEntry,
  log: LogKey,
  demand = NO_WITNESSES,
): Promise<Finding<undefined>> => {
  const proof = entry.inclusionProof;
  if (proof?.checkpoint === undefined) return withoutCheckpoint(entry, demand);
  const opened = await openCheckpoint(proof.checkpoint, log);
  if (!opened.ok) return refusedAs("log-checkpoint", opened);
  const { note, checkpoint } = opened.value;
  const cosigned = await checkWitnesses(note, demand);
  if (!cosigned.ok) return refusedAs("log-checkpoint", cosigned);
  const names = cosigned.value.map(({ witness }) => witness.name).join(", ");
  const vouched = names === "" ? "" : `, and ${names} vouch for it`;
  return checkTree(proof, checkpoint.size, checkpoint.rootHash, vouched);
};
