import type { KeptProof } from "../web/console.ts";

// What the audit trail keeps of a verdict is JSON of a release that may not be this one: what is
// not as expected is left out.

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const text = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

const claimsIn = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(object(value)).map(([name, claim]) => [name, text(claim)]));

const proofOf = (value: unknown): KeptProof => {
  const proof = object(value);
  const signer = object(proof.signer);
  const key = text(signer.keyId);
  return {
    kind: text(proof.kind),
    code: text(proof.code),
    identity: key === "" ? text(signer.san) : `key ${key}`,
    issuer: text(signer.issuer),
    claims: claimsIn(signer.claims),
    times: array(proof.times).map(text),
    entries: array(proof.log).map((logged) => text(object(logged).logIndex)),
  };
};

/** The proofs in the detail of an event. */
export const proofsIn = (detail: unknown): KeptProof[] => array(object(detail).proofs).map(proofOf);

const AND = " and ";

/** All who signed, in one line. */
export const allSigners = (identities: readonly string[]): string =>
  [...new Set(identities.filter((identity) => identity !== ""))].toSorted().join(AND);

/** Each release is made from a ref of its own, by the same job. */
const withoutRef = (identities: string): string =>
  allSigners(identities.split(AND).map((one) => one.replace(/@refs\/(heads|tags)\/.*$/, "")));

/** Whether two files were signed by the same, refs aside; unknown signers are no others. */
export const isSameSigner = (before: string, now: string): boolean =>
  before === "" || now === "" || withoutRef(before) === withoutRef(now);
