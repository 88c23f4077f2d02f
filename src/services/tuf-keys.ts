import { Key } from "@tufjs/models";
import { sha256 } from "../crypto/hash.ts";
import type { PrivateKey, PublicKey } from "../crypto/keys.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { formatPem } from "../formats/pem.ts";
import { ok, type Result } from "../formats/result.ts";
import type { State } from "./state.ts";

export type TufRole = "root" | "targets" | "snapshot" | "timestamp";

/** The private keys of each role: two for root and for targets, one online key for the others. */
export type TufKeys = Readonly<Record<TufRole, readonly PrivateKey[]>>;

/**
 * The keys of one generation, made at their first use. Whoever runs TUF for others keeps root and
 * targets keys offline; the local stack's are in files of their own, as if they were.
 */
export const openTufKeys = async (state: State, generation: number): Promise<Result<TufKeys>> => {
  const keys: PrivateKey[] = [];
  for (const name of ["root-1", "root-2", "targets-1", "targets-2", "online"]) {
    const key = await state.key(`tuf-${generation}-${name}`, "ecdsa-p256");
    if (!key.ok) return key;
    keys.push(key.value);
  }
  const online = keys.slice(4);
  return ok({
    root: keys.slice(0, 2),
    targets: keys.slice(2, 4),
    snapshot: online,
    timestamp: online,
  });
};

const KEY_TYPE = "ecdsa";
const SCHEME = "ecdsa-sha2-nistp256";

/**
 * A public key as TUF metadata name it. The key id is SHA-256 of the canonical JSON (OLPC) of the
 * key; a PEM block has nothing that this form escapes (TUF specification §4.2.1).
 */
export const tufKey = ({ spki }: PublicKey): Key => {
  const pem = formatPem("PUBLIC KEY", spki);
  const canonical = `{"keytype":"${KEY_TYPE}","keyval":{"public":"${pem}"},"scheme":"${SCHEME}"}`;
  return new Key({
    keyID: hex(sha256(utf8(canonical))),
    keyType: KEY_TYPE,
    scheme: SCHEME,
    keyVal: { public: pem },
  });
};
