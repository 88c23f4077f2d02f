import type { Envelope } from "./bundle.ts";
import { base64, concat, utf8 } from "./bytes.ts";
import type { Json } from "./json.ts";

/** The only DSSE payload type that is made or accepted here. */
export const IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json";

/**
 * The pre-authentication encoding that a DSSE signature is over (DSSE v1, protocol.md):
 * `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in decimal bytes.
 */
export const pae = (payloadType: string, payload: Uint8Array): Uint8Array => {
  const type = utf8(payloadType);
  const head = concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `));
  return concat(head, payload);
};

/** The {@link pae} of an envelope. */
export const envelopePae = (envelope: Envelope): Uint8Array =>
  pae(envelope.payloadType, envelope.payload);

/** Signatures an envelope may hold before it is refused for holding more than one. */
const MAX_SIGNATURES = 16;

/**
 * Reads an envelope's JSON. Refuses unknown fields (a future field could change what is signed),
 * and any number of signatures but one: with several, two readers may each pick another.
 */
export const readEnvelope = (json: Json): Envelope => {
  json.only("payload", "payloadType", "signatures");
  const signatures = json.field("signatures");
  const [signature, ...others] = signatures.items(MAX_SIGNATURES);
  if (signature === undefined || others.length > 0) {
    return signatures.refuse(`has ${signature ? others.length + 1 : 0} signatures instead of one`);
  }
  signature.only("sig", "keyid");
  return {
    payloadType: json.field("payloadType").string(),
    payload: json.field("payload").base64(),
    signature: signature.field("sig").base64(),
    keyid: signature.optional("keyid")?.string() ?? "",
  };
};

/** The JSON value of an envelope, every field written. */
export const envelopeJson = (envelope: Envelope) => ({
  payload: base64(envelope.payload),
  payloadType: envelope.payloadType,
  signatures: [{ sig: base64(envelope.signature), keyid: envelope.keyid }],
});
