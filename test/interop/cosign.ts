import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import type { PeerId } from "./peers.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// cosign, keyless, told whom to trust by its three files; no --insecure flag anywhere.

type CosignId = Extract<PeerId, `cosign-${string}`>;

/** How a version is asked for the files of cosign 2: signature, certificate, and its own bundle. */
const DETACHED: Readonly<Record<CosignId, readonly string[]>> = {
  "cosign-2.2": [],
  "cosign-2.6": [],
  "cosign-3.1": ["--new-bundle-format=false", "--use-signing-config=false"],
};

const trustFiles = (world: World): Record<string, string> => ({
  SIGSTORE_ROOT_FILE: world.trust("fulcio-chain.pem"),
  SIGSTORE_REKOR_PUBLIC_KEY: world.trust("rekor.pub"),
  SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: world.trust("ctfe.pub"),
});

/** Runs cosign in a home that has never seen a Sigstore. */
export const cosign = (
  world: World,
  id: CosignId,
  args: readonly string[],
  env: Readonly<Record<string, string>> = trustFiles(world),
) => world.run(world.program(id), args, { env });

export const identityArgs = (world: World, identity = world.identity): string[] => [
  ...["--certificate-identity", identity, "--certificate-oidc-issuer", world.issuer],
];

const services = ({ stack }: World): string[] => [
  ...["--fulcio-url", stack.urls.fulcio, "--rekor-url", stack.urls.rekor],
];

type Signed = {
  readonly file: string;
  readonly signature: string;
  readonly certificate: string;
  readonly bundle: string;
};

/** Signs a new file as cosign 2 does. */
const sign = async (
  world: World,
  id: CosignId,
  more: readonly string[] = [],
  trust: Readonly<Record<string, string>> = trustFiles(world),
): Promise<Signed> => {
  const file = join(world.folder, "artifact");
  await writeFile(file, "what is signed");
  const signed = {
    file,
    signature: `${file}.sig`,
    certificate: `${file}.crt`,
    bundle: `${file}.bundle`,
  };
  const outputs = [
    ...["--output-signature", signed.signature, "--output-certificate", signed.certificate],
    ...["--bundle", signed.bundle],
  ];
  const token = { SIGSTORE_ID_TOKEN: await world.token() };
  const args = ["sign-blob", "--yes", ...DETACHED[id], ...services(world), ...outputs, ...more];
  succeeded(await cosign(world, id, [...args, file], { ...trust, ...token }));
  return signed;
};

const verifyDetached = (
  world: World,
  id: CosignId,
  signed: Pick<Signed, "file" | "signature" | "certificate">,
  given: {
    readonly identity?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
) => {
  const { identity = world.identity, env = trustFiles(world) } = given;
  const evidence = ["--signature", signed.signature, "--certificate", signed.certificate];
  const format = id === "cosign-3.1" ? ["--new-bundle-format=false"] : [];
  const args = [
    ...["verify-blob", ...format, "--rekor-url", world.stack.urls.rekor],
    ...[...evidence, ...identityArgs(world, identity), signed.file],
  ];
  return cosign(world, id, args, env);
};

const signsForBoth = (id: CosignId): Check => ({
  peers: [id],
  does: "signs keyless; it verifies .sig, .crt and its offline bundle, and so do we",
  run: async (world) => {
    const signed = await sign(world, id);
    const { file, signature, certificate, bundle } = signed;
    succeeded(await verifyDetached(world, id, signed));
    const format = id === "cosign-3.1" ? ["--new-bundle-format=false"] : [];
    const offline = ["--bundle", bundle, "--offline", ...identityArgs(world), file];
    succeeded(await cosign(world, id, ["verify-blob", ...format, ...offline]));
    const ours = (evidence: readonly string[], path = file) =>
      world.wheelseal(["verify", path, ...evidence, ...expectIdentity(world)]);
    const detached = ["--signature", signature, "--certificate", certificate];
    succeeded(await ours(detached));
    succeeded(await ours(["--bundle", bundle, "--offline"]));
    const other = join(world.folder, "other");
    await writeFile(other, "what is not signed");
    refused(await ours(detached, other), /error\[/);
    refused(await ours(["--bundle", bundle, "--offline"], other), /error\[/);
  },
});

const verifiesOurs = (id: CosignId): Check => ({
  peers: [id],
  does: "verifies the .sig and .crt that we wrote, and refuses another identity and another file",
  run: async (world) => {
    const { folder, wheel, sdist } = world.release;
    const evidence = (name: string) => ({
      file: join(folder, name),
      signature: join(folder, `${name}.sig`),
      certificate: join(folder, `${name}.crt`),
    });
    for (const name of [wheel, sdist]) {
      succeeded(await verifyDetached(world, id, evidence(name)));
    }
    const stranger = await verifyDetached(world, id, evidence(wheel), {
      identity: "https://other",
    });
    refused(stranger, /none of the expected identities matched/);
    const swapped = { ...evidence(wheel), file: join(folder, sdist) };
    refused(await verifyDetached(world, id, swapped), /signature/);
  },
});

const timestamps = (id: CosignId): Check => ({
  peers: [id],
  does: "signs with a timestamp of ours and verifies it by our timestamp chain",
  run: async (world) => {
    const stamp = join(world.folder, "artifact.tsr");
    const service = ["--timestamp-server-url", world.stack.urls.tsa, "--rfc3161-timestamp", stamp];
    const signed = await sign(world, id, service);
    const verify = (chain: string) =>
      cosign(world, id, [
        ...["verify-blob", ...(id === "cosign-3.1" ? ["--new-bundle-format=false"] : [])],
        ...["--rekor-url", world.stack.urls.rekor, "--signature", signed.signature],
        ...["--certificate", signed.certificate, "--rfc3161-timestamp", stamp],
        ...["--timestamp-certificate-chain", world.trust(chain)],
        ...[...identityArgs(world), signed.file],
      ]);
    succeeded(await verify("tsa-chain.pem"));
    refused(await verify("fulcio-chain.pem"), /timestamp|certificate/i);
  },
});

/** The DSSE envelope of our publish attestation: the very text that the log has the digest of. */
const envelopeOf = async (attestation: string): Promise<string> => {
  const { envelope } = JSON.parse(await readFile(attestation, "utf8"));
  return JSON.stringify({
    payload: envelope.statement,
    payloadType: "application/vnd.in-toto+json",
    signatures: [{ sig: envelope.signature, keyid: "" }],
  });
};

const PUBLISH = "https://docs.pypi.org/attestations/publish/v1";

const attests = (id: CosignId): Check => ({
  peers: [id],
  does: "attests a file and verifies that; verifies our publish attestation, refuses another type",
  run: async (world) => {
    const { folder, wheel } = world.release;
    const file = join(folder, wheel);
    const path = (name: string) => join(world.folder, name);
    await writeFile(path("predicate.json"), '{"a": 1}');
    const token = { ...trustFiles(world), SIGSTORE_ID_TOKEN: await world.token() };
    const outputs = ["--output-signature", path("att"), "--output-certificate", path("crt")];
    const what = ["--predicate", path("predicate.json"), "--type", "https://example.com/test"];
    const signing = [...DETACHED[id], ...services(world), ...outputs, ...what];
    const bundle = ["--bundle", path("bundle")];
    succeeded(
      await cosign(world, id, ["attest-blob", "--yes", ...signing, ...bundle, file], token),
    );
    const verify = (evidence: readonly string[], type: string) =>
      cosign(world, id, [
        "verify-blob-attestation",
        ...(id === "cosign-3.1" ? ["--new-bundle-format=false"] : []),
        ...["--rekor-url", world.stack.urls.rekor, "--type", type],
        ...[...evidence, ...identityArgs(world), file],
      ]);
    const theirs = ["--signature", path("att"), "--certificate", path("crt")];
    succeeded(await verify(theirs, "https://example.com/test"));
    await writeFile(path("ours.att"), await envelopeOf(`${file}.publish.attestation`));
    const attestation = JSON.parse(await readFile(`${file}.publish.attestation`, "utf8"));
    const der = Buffer.from(attestation.verification_material.certificate, "base64");
    const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
    const pem = ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""];
    await writeFile(path("ours.crt"), pem.join("\n"));
    const ours = ["--signature", path("ours.att"), "--certificate", path("ours.crt")];
    succeeded(await verify(ours, PUBLISH));
    refused(await verify(ours, "https://example.com/test"), /type|predicate/i);
  },
});

const learns = (id: CosignId): Check => ({
  peers: [id],
  does: "learns whom to trust from our TUF repository, and signs and verifies by that alone",
  run: async (world) => {
    const tuf = { TUF_ROOT: join(world.folder, "tuf") };
    const root = ["--root", world.trust("1.root.json")];
    const mirror = ["--mirror", world.stack.urls.tuf];
    succeeded(await cosign(world, id, ["initialize", ...mirror, ...root], tuf));
    const signed = await sign(world, id, [], tuf);
    succeeded(await verifyDetached(world, id, signed, { env: tuf }));
    const { folder, wheel } = world.release;
    const file = join(folder, wheel);
    const ours = { file, signature: `${file}.sig`, certificate: `${file}.crt` };
    succeeded(await verifyDetached(world, id, ours, { env: tuf }));
  },
});

const newFormat = (id: CosignId): string[] => (id === "cosign-2.6" ? ["--new-bundle-format"] : []);

const byTrustedRoot = (world: World): string[] => [
  ...["--trusted-root", world.trust("trusted_root.json")],
];

const verifiesBundles = (id: CosignId): Check => ({
  peers: [id],
  does: "verifies our bundles by trusted_root.json, and refuses another identity and another file",
  run: async (world) => {
    const { folder, wheel, sdist } = world.release;
    const verify = (name: string, of: string, identity = world.identity) => {
      const evidence = ["--bundle", join(folder, `${of}.sigstore.json`)];
      const trust = [...newFormat(id), ...byTrustedRoot(world)];
      const args = [...evidence, ...trust, ...identityArgs(world, identity), join(folder, name)];
      return cosign(world, id, ["verify-blob", ...args], {});
    };
    for (const name of [wheel, sdist]) succeeded(await verify(name, name));
    refused(await verify(wheel, wheel, "https://other"), /identity|SAN/);
    refused(await verify(sdist, wheel), /signature|digest/);
  },
});

const signsByConfig = (id: CosignId): Check => ({
  peers: [id],
  does: "signs and attests by our signing configuration, and we verify both bundles",
  run: async (world) => {
    const path = (name: string) => join(world.folder, name);
    const { signingConfig } = JSON.parse(await readFile(world.stack.trustConfig, "utf8"));
    await writeFile(path("signing.json"), JSON.stringify(signingConfig));
    await writeFile(path("predicate.json"), '{"a": 1}');
    await writeFile(path("artifact"), "what is signed");
    await writeFile(path("other"), "what is not signed");
    const token = { SIGSTORE_ID_TOKEN: await world.token() };
    const trust = ["--yes", "--signing-config", path("signing.json"), ...byTrustedRoot(world)];
    const make = (command: string, bundle: string, more: readonly string[]) =>
      cosign(world, id, [command, ...trust, ...more, "--bundle", bundle, path("artifact")], token);
    const what = ["--predicate", path("predicate.json"), "--type", "https://example.com/test"];
    succeeded(await make("sign-blob", path("signed"), []));
    succeeded(await make("attest-blob", path("attested"), what));
    for (const bundle of ["signed", "attested"]) {
      const verify = (file: string) => {
        const args = ["--bundle", path(bundle), "--offline", ...expectIdentity(world)];
        return world.wheelseal(["verify", path(file), ...args]);
      };
      succeeded(await verify("artifact"));
      refused(await verify("other"), /error\[/);
    }
  },
});

export const COSIGN_22: readonly Check[] = [
  signsForBoth("cosign-2.2"),
  verifiesOurs("cosign-2.2"),
  timestamps("cosign-2.2"),
  attests("cosign-2.2"),
  learns("cosign-2.2"),
];

export const COSIGN_26: readonly Check[] = [
  signsForBoth("cosign-2.6"),
  verifiesOurs("cosign-2.6"),
  timestamps("cosign-2.6"),
  attests("cosign-2.6"),
  learns("cosign-2.6"),
  verifiesBundles("cosign-2.6"),
];

export const COSIGN_31: readonly Check[] = [
  signsForBoth("cosign-3.1"),
  verifiesOurs("cosign-3.1"),
  learns("cosign-3.1"),
  verifiesBundles("cosign-3.1"),
  signsByConfig("cosign-3.1"),
];
