import { type HashName, type Sha256, sha256 } from "../crypto/hash.ts";
import type { PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { verifySignature } from "../crypto/verify.ts";
import { base64, concat, fromBase64, utf8 } from "../formats/bytes.ts";

/** The state of a log: how many leaves it has, and the root over them. */
export type TreeHead = { readonly size: number; readonly root: Sha256 };

/** Signs the checkpoints of one log, and knows its own again. */
export type CheckpointSigner = {
  /** A signed note: text, empty line, one signature line (C2SP signed-note, tlog-checkpoint). */
  sign(head: TreeHead): string;
  /** The head in a note, `undefined` unless this signer made the note. */
  open(note: string): Promise<TreeHead | undefined>;
};

const HASH: HashName = "sha256";

/** Ed25519 keys are named with their signer, all others by their SubjectPublicKeyInfo alone. */
const noteKeyId = (name: string, { publicKey }: PrivateKey): Uint8Array =>
  publicKey.algorithm === "ed25519"
    ? sha256(concat(utf8(`${name}\n`), Uint8Array.of(1), publicKey.spki.subarray(-32)))
    : publicKey.keyId;

/** @param keyName - the name in the signature line; Rekor v1 writes another origin than that */
export const checkpointSigner = (
  origin: string,
  keyName: string,
  key: PrivateKey,
): CheckpointSigner => {
  const keyId = noteKeyId(keyName, key).subarray(0, 4);
  const text = ({ size, root }: TreeHead): string => `${origin}\n${size}\n${base64(root)}\n`;
  const open = async (note: string): Promise<TreeHead | undefined> => {
    const [body = "", line = ""] = note.split(/(?<=\n)\n/);
    const [, size = "", root = ""] = body.split("\n");
    const signature = fromBase64(line.slice(`— ${keyName} `.length, -1));
    const rootBytes = fromBase64(root);
    if (!signature.ok || !rootBytes.ok) return undefined;
    const head = { size: Number(size), root: rootBytes.value as Sha256 };
    if (!Number.isSafeInteger(head.size) || text(head) !== body) return undefined;
    const good = await verifySignature(
      key.publicKey,
      HASH,
      signature.value.subarray(4),
      utf8(body),
    );
    return good && head.root.length === 32 ? head : undefined;
  };
  return {
    sign: (head) => {
      const body = text(head);
      const signature = concat(keyId, sign(key, HASH, utf8(body)));
      return `${body}\n— ${keyName} ${base64(signature)}\n`;
    },
    open,
  };
};
