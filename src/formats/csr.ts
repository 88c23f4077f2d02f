import type { HashName } from "../crypto/hash.ts";
import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { verifySignature } from "../crypto/verify.ts";
import { children, type DerNode, readDer, readOid, TAG } from "./der.ts";
import { OID } from "./oids.ts";
import { fail, ok, type Result } from "./result.ts";

const MAX_BYTES = 16 * 1024;

/** Signature algorithms of requests, and the hash of each; Ed25519 has none of its own. */
const HASHES: Readonly<Record<string, HashName>> = {
  [OID.ecdsaWithSha256]: "sha256",
  [OID.ecdsaWithSha384]: "sha384",
  [OID.ecdsaWithSha512]: "sha512",
  [OID.sha256WithRsa]: "sha256",
  [OID.sha384WithRsa]: "sha384",
  [OID.sha512WithRsa]: "sha512",
  [OID.ed25519]: "sha512",
};

/**
 * The public key of a PKCS #10 certification request (RFC 2986 §4) that is signed by that very
 * key. Subject and attributes are not looked at: Fulcio takes neither.
 *
 * Fails with CSR_FORMAT.
 */
export const readCsr = async (der: Uint8Array): Promise<Result<PublicKey>> => {
  if (der.length > MAX_BYTES) return malformed(`it has ${der.length} bytes`);
  const [body, algorithm, signature, extra] = fields(readDer(der));
  const spki = fields(body === undefined ? undefined : ok(body))[2];
  const oid = fields(algorithm === undefined ? undefined : ok(algorithm))[0];
  const isWhole = signature?.tag === TAG.BIT_STRING && signature.content[0] === 0;
  if (!body || !spki || oid?.tag !== TAG.OID || !isWhole || extra) {
    return malformed("its fields are not those of RFC 2986");
  }
  const key = importPublicKey(spki.bytes);
  const hash = HASHES[readOid(oid.content) ?? ""];
  if (key === undefined || hash === undefined) return malformed("its algorithms are not supported");
  const good = await verifySignature(key, hash, signature.content.subarray(1), body.bytes);
  return good ? ok(key) : malformed("its signature is not by its own key");
};

const malformed = (what: string): Result<PublicKey> =>
  fail("CSR_FORMAT", `the certificate signing request is refused: ${what}`);

const fields = (node: Result<DerNode> | undefined): readonly DerNode[] => {
  if (node?.ok !== true || node.value.tag !== TAG.SEQUENCE) return [];
  const parts = children(node.value);
  return parts.ok ? parts.value : [];
};
