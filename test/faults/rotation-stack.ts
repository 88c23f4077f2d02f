import { fulcioAt } from "../../src/clients/fulcio.ts";
import { readIdToken, SIGSTORE_AUDIENCE } from "../../src/clients/identity.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { rekorAt } from "../../src/clients/rekor.ts";
import { timestampAuthorityAt } from "../../src/clients/tsa.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { formatBundle } from "../../src/formats/bundle.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { ok, type Result } from "../../src/formats/result.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import { systemOutside } from "../../src/library/input.ts";
import { type FileVerdict, verifyFile } from "../../src/library/verify-file.ts";
import { type BundleSigner, signMessage } from "../../src/stages/sign-bundle.ts";
import { selfChecked } from "../../src/stages/sign-files.ts";
import { signingCertificates } from "../../src/stages/signing-certificate.ts";

export type Place = {
  readonly urls: { readonly fulcio: string; readonly rekor: string; readonly tsa: string };
  readonly token: string;
  /** The signer's own clock and network. */
  readonly outside?: Outside;
};

/** A signer with a key and certificate of its own. */
export const openSigner = async (place: Place): Promise<Result<BundleSigner>> => {
  const { urls, token, outside = systemOutside() } = place;
  const { now } = outside;
  const certificates = signingCertificates({
    identity: { token: async () => readIdToken(token, { audience: SIGSTORE_AUDIENCE, now }) },
    fulcio: fulcioAt(urls.fulcio, outside),
    oneEach: true,
    now,
  });
  const signing = await certificates.current();
  if (!signing.ok) return signing;
  const rekor = rekorAt(urls.rekor, outside);
  return ok({ signing: signing.value, rekor, tsa: timestampAuthorityAt(urls.tsa, outside) });
};

/** Signs a file that consists of its own name; `now` is what the signer takes the time for. */
export const signName = async (
  name: string,
  signer: BundleSigner,
  check?: { readonly trust: TrustedRoot; readonly now: number },
): Promise<Result<Uint8Array>> => {
  const artifact = artifactOfBytes(utf8(name), undefined);
  const bundle = await signMessage(artifact, signer);
  if (!bundle.ok) return bundle;
  if (check === undefined) return ok(formatBundle(bundle.value));
  return selfChecked(bundle.value, artifact, { ...check, expect: signer.signing.expect });
};

/** Verifies what {@link signName} made, offline. */
export const verifyName = (
  name: string,
  bundle: Uint8Array,
  by: { readonly issuer: string; readonly project: string; readonly trust: TrustedRoot },
  now?: number,
): Promise<FileVerdict> => {
  const host = new URL(by.issuer).host;
  const san = `https://${host}/${by.project}//.gitlab-ci.yml@refs/heads/main`;
  return verifyFile(
    utf8(name),
    { bundle },
    {
      identity: { kind: "exact", san, issuer: by.issuer },
      trust: by.trust,
      ...(now === undefined ? {} : { now }),
    },
  );
};
