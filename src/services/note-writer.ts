import type { Sha256 } from "../crypto/hash.ts";
import type { PrivateKey } from "../crypto/keys.ts";
import { verifySignature } from "../crypto/verify.ts";
import { equal, utf8 } from "../formats/bytes.ts";
import {
  formatCheckpoint,
  noteKeyHint,
  parseCheckpoint,
  parseNote,
  signNote,
} from "../formats/checkpoint.ts";

/** The state of a log: how many leaves it has, and the root over them. */
export type TreeHead = { readonly size: number; readonly root: Sha256 };

/** Signs the checkpoints of one log, and knows its own again. */
export type CheckpointSigner = {
  /** A signed note with one signature (c2sp.org/tlog-checkpoint). */
  sign(head: TreeHead): string;
  /** The head in a note, `undefined` unless this signer made the note. */
  open(note: string): Promise<TreeHead | undefined>;
};

/** @param keyName - the name in the signature line; Rekor v1 writes another origin than that */
export const checkpointSigner = (
  origin: string,
  keyName: string,
  key: PrivateKey,
): CheckpointSigner => {
  const sign = ({ size, root }: TreeHead): string =>
    signNote(
      formatCheckpoint({ origin, size: BigInt(size), rootHash: root, extensions: [] }),
      keyName,
      key,
    );
  const open = async (text: string): Promise<TreeHead | undefined> => {
    const note = parseNote(text);
    const checkpoint = note.ok ? parseCheckpoint(note.value.text) : note;
    if (!note.ok || !checkpoint.ok || checkpoint.value.origin !== origin) return undefined;
    const [line] = note.value.signatures;
    const hint = noteKeyHint(keyName, key.publicKey);
    if (line?.name !== keyName || !equal(line.keyHint, hint)) return undefined;
    const signed = utf8(note.value.text);
    if (!(await verifySignature(key.publicKey, "sha256", line.signature, signed))) return undefined;
    const { size, rootHash } = checkpoint.value;
    return { size: Number(size), root: rootHash as Sha256 };
  };
  return { sign, open };
};
