import { type Bundle, formatBundle } from "../../src/formats/bundle.ts";
import { base64 } from "../../src/formats/bytes.ts";
import { forgeLeaf, WORLD } from "../verification/forge.ts";
import { entryV2, envelopeBundle, messageBundle } from "../verification/forge-bundle.ts";

export const leaf = forgeLeaf();
export const message = messageBundle(leaf);
export const envelope = envelopeBundle(leaf, entryV2);
export const managed = messageBundle({ key: leaf.key, certificate: undefined });

/** The JSON of a bundle, as plain objects that a test may change. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into any place of the JSON
export type Loose = any;
export const jsonOf = (bundle: Bundle): Loose =>
  JSON.parse(new TextDecoder().decode(formatBundle(bundle)));

export const changed = (bundle: Bundle, change: (json: Loose) => void): string => {
  const json = jsonOf(bundle);
  change(json);
  return JSON.stringify(json);
};

export const raw = { rawBytes: base64(leaf.certificate.der) };
export const root = { rawBytes: base64(WORLD.ca.root.der) };
export const V01 = "application/vnd.dev.sigstore.bundle+json;version=0.1";
export const V02 = "application/vnd.dev.sigstore.bundle+json;version=0.2";

/** The bundle as an older version had it. */
export const older = (mediaType: string, change: (json: Loose) => void = () => {}): string =>
  changed(message, (json) => {
    json.mediaType = mediaType;
    delete json.verificationMaterial.certificate;
    json.verificationMaterial.x509CertificateChain = { certificates: [raw] };
    change(json);
  });

export const entry = (json: Loose): Loose => json.verificationMaterial.tlogEntries[0];
