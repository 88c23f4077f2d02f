import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// sigstore-js, as npm itself uses it. It has no program: its packages are called from here.

type SignModule = {
  readonly FulcioSigner: new (options: object) => object;
  readonly RekorWitness: new (options: object) => object;
  readonly TSAWitness: new (options: object) => object;
  readonly MessageSignatureBundleBuilder: new (options: object) => Builder;
  readonly DSSEBundleBuilder: new (options: object) => Builder;
};
type Builder = { create(artifact: { data: Buffer; type?: string }): Promise<object> };
type BundleModule = {
  readonly bundleToJSON: (bundle: object) => object;
  readonly bundleFromJSON: (json: unknown) => object;
};
type VerifyModule = {
  readonly Verifier: new (
    trust: object,
    options: object,
  ) => {
    verify(entity: object, policy: object): unknown;
  };
  readonly toTrustMaterial: (root: object) => object;
  readonly toSignedEntity: (bundle: object, artifact?: Buffer) => object;
};
type SpecsModule = { readonly TrustedRoot: { fromJSON(json: unknown): object } };

/** Verifies with a log entry, an SCT and a time; throws where it refuses. */
const verifyByThem = async (
  world: World,
  bundle: unknown,
  artifact: Buffer,
  identity = world.identity,
): Promise<void> => {
  const { Verifier, toTrustMaterial, toSignedEntity } = world.load(
    "@sigstore/verify",
  ) as VerifyModule;
  const { bundleFromJSON } = world.load("@sigstore/verify", "@sigstore/bundle") as BundleModule;
  const specs = world.load("@sigstore/verify", "@sigstore/protobuf-specs") as SpecsModule;
  const root = JSON.parse(await readFile(world.trust("trusted_root.json"), "utf8"));
  const trust = toTrustMaterial(specs.TrustedRoot.fromJSON(root));
  const thresholds = { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 };
  const entity = toSignedEntity(bundleFromJSON(bundle), artifact);
  const policy = { subjectAlternativeName: identity, extensions: { issuer: world.issuer } };
  new Verifier(trust, thresholds).verify(entity, policy);
};

const signByThem = async (world: World, data: Buffer, statement?: object): Promise<object> => {
  const sign = world.load("@sigstore/sign") as SignModule;
  const { bundleToJSON } = world.load("@sigstore/sign", "@sigstore/bundle") as BundleModule;
  const token = await world.token();
  const { fulcio, rekor } = world.stack.urls;
  const signer = new sign.FulcioSigner({
    fulcioBaseURL: fulcio,
    identityProvider: { getToken: async () => token },
  });
  const entryType = statement === undefined ? "hashedrekord" : "dsse";
  const witnesses = [
    new sign.RekorWitness({ rekorBaseURL: rekor, entryType }),
    new sign.TSAWitness({ tsaBaseURL: fulcio }),
  ];
  const builder =
    statement === undefined
      ? new sign.MessageSignatureBundleBuilder({ signer, witnesses })
      : new sign.DSSEBundleBuilder({ signer, witnesses });
  const content = statement === undefined ? data : Buffer.from(JSON.stringify(statement));
  const type = "application/vnd.in-toto+json";
  return bundleToJSON(await builder.create({ data: content, type }));
};

const statementOf = (digest: string): object => ({
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "artifact", digest: { sha256: digest } }],
  predicateType: "https://example.com/test",
  predicate: {},
});

const sha256 = async (data: Buffer): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", new Uint8Array(data))).toString("hex");

export const SIGSTORE_JS: readonly Check[] = [
  {
    peers: ["@sigstore/verify"],
    does: "verifies our bundles, and refuses another identity and another file",
    run: async (world) => {
      const { folder, wheel, sdist } = world.release;
      const read = async (name: string) => ({
        artifact: await readFile(join(folder, name)),
        bundle: JSON.parse(await readFile(join(folder, `${name}.sigstore.json`), "utf8")),
      });
      const [one, other] = [await read(wheel), await read(sdist)];
      await verifyByThem(world, one.bundle, one.artifact);
      await verifyByThem(world, other.bundle, other.artifact);
      await assert.rejects(
        verifyByThem(world, one.bundle, one.artifact, "https://other"),
        /certificate identity/,
      );
      await assert.rejects(verifyByThem(world, one.bundle, other.artifact), /signature/);
    },
  },
  {
    peers: ["@sigstore/sign", "@sigstore/verify"],
    does: "signs a file and a statement, with timestamps, and we verify both bundles",
    run: async (world) => {
      const path = (name: string) => join(world.folder, name);
      const data = Buffer.from("what is signed");
      await writeFile(path("artifact"), data);
      await writeFile(path("other"), "what is not signed");
      const statement = statementOf(await sha256(data));
      const bundles = [await signByThem(world, data), await signByThem(world, data, statement)];
      for (const [index, bundle] of bundles.entries()) {
        await verifyByThem(world, bundle, data);
        await writeFile(path(`bundle-${index}`), JSON.stringify(bundle));
        const verify = (file: string) => {
          const args = ["--bundle", path(`bundle-${index}`), "--offline", ...expectIdentity(world)];
          return world.wheelseal(["verify", path(file), ...args]);
        };
        succeeded(await verify("artifact"));
        refused(await verify("other"), /error\[/);
      }
    },
  },
];
