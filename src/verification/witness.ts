import type { PublicKey } from "../crypto/keys.ts";
import { verifySignature } from "../crypto/verify.ts";
import { equal, hex } from "../formats/bytes.ts";
import {
  cosignatureKeyHint,
  cosignedMessage,
  parseCosignature,
  type SignedNote,
} from "../formats/checkpoint.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/** Somebody who vouches that a log shows everybody the same (c2sp.org/tlog-witness). */
export type Witness = { readonly name: string; readonly key: PublicKey };

/** How many of which witnesses must vouch for a checkpoint. */
export type WitnessDemand = { readonly witnesses: readonly Witness[]; readonly threshold: number };

/** A witness that vouched, and when it says it did. */
export type Cosigned = {
  readonly witness: Witness;
  /** Seconds since 1970. */
  readonly at: bigint;
};

/**
 * The witnesses that vouch for the checkpoint in a note. Every line that names one of `witnesses`
 * and its key must be good; lines of others count for nothing, and a key counts once.
 *
 * @returns `TLOG_CHECKPOINT` for a bad line, `TLOG_WITNESSES`
 */
export const checkWitnesses = async (
  note: SignedNote,
  { witnesses, threshold }: WitnessDemand,
): Promise<Result<Cosigned[]>> => {
  const found = new Map<string, Cosigned>();
  for (const witness of witnesses) {
    const hint = cosignatureKeyHint(witness.name, witness.key);
    for (const line of note.signatures) {
      if (line.name !== witness.name || !equal(line.keyHint, hint)) continue;
      const cosigned = parseCosignature(line.signature);
      if (!cosigned.ok) return cosigned;
      const { timestamp, signature } = cosigned.value;
      const message = cosignedMessage(note.text, timestamp);
      if (!(await verifySignature(witness.key, "sha512", signature, message))) {
        return fail("TLOG_CHECKPOINT", `the cosignature of ${witness.name} is not good`);
      }
      found.set(hex(witness.key.keyId), { witness, at: timestamp });
    }
  }
  if (found.size >= threshold) return ok([...found.values()]);
  const named = [...found.values()].map(({ witness }) => witness.name).join(", ") || "none";
  return fail("TLOG_WITNESSES", `${found.size} of ${threshold} witnesses vouch: ${named}`);
};
