import type { KeyObject } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";

/** What the second implementation is asked. */
export type Question = {
  /** JSON value. */
  readonly bundle: unknown;
  readonly artifact: Uint8Array;
  readonly san: string;
  readonly issuer: string;
};

/**
 * The second implementation under a trust root (a JSON value): whether it accepts, any exception
 * being a refusal. With a managed key no identity is expected.
 */
export const secondVerifier = (root: unknown, key?: KeyObject): ((ask: Question) => boolean) => {
  const keys = key && (() => ({ publicKey: key, validFor: () => true }));
  const material = toTrustMaterial(TrustedRoot.fromJSON(root), keys);
  const verifier = new Verifier(material, { ctlogThreshold: key === undefined ? 1 : 0 });
  return ({ bundle, artifact, san, issuer }) => {
    try {
      const entity = toSignedEntity(bundleFromJSON(bundle), Buffer.from(artifact));
      const policy = { subjectAlternativeName: san, extensions: { issuer } };
      verifier.verify(entity, key === undefined ? policy : undefined);
      return true;
    } catch {
      return false;
    }
  };
};
