import type { PublicKey } from "../crypto/keys.ts";

export type Extension = {
  readonly critical: boolean;
  /** The content of extnValue's OCTET STRING: DER of the extension's own syntax. */
  readonly value: Uint8Array;
};

/** A parsed X.509 v3 certificate (RFC 5280 §4.1). All byte fields are views into `der`. */
export type Certificate = {
  readonly der: Uint8Array;
  /** DER of the TBSCertificate: what the issuer signed. */
  readonly tbs: Uint8Array;
  /** Content of the serial INTEGER. */
  readonly serial: Uint8Array;
  /** Dotted OID of the outer signatureAlgorithm; equals the one inside the TBS. */
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** DER of the issuer and subject Names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  /** By dotted OID; a repeated extension is a parse failure. */
  readonly extensions: ReadonlyMap<string, Extension>;
};
