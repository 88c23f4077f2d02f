import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactOfBytes } from "../src/formats/artifact.ts";
import { parseBundle } from "../src/formats/bundle.ts";
import { unwrap } from "../src/formats/result.ts";
import { parseTrustedRoot } from "../src/formats/trusted-root.ts";
import { verify } from "../src/verification/verify.ts";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { alternate, median, ratios, time, timed, times } from "./measure.ts";
import { local, ours, readJson } from "./tool.ts";
import { makeWheels } from "./wheels.ts";

type Theirs = {
  readonly Verifier: new (
    trust: object,
    options: object,
  ) => {
    verify(entity: object, policy: object): unknown;
  };
  readonly toTrustMaterial: (root: object) => object;
  readonly toSignedEntity: (bundle: object, artifact?: Buffer) => object;
};

const EACH = 20;
const SIZE = 20_000;

type Signed = { readonly bytes: Buffer; readonly bundle: Buffer };

const theirVerifier = async ({ world }: Lab) => {
  const library = world.load("@sigstore/verify") as Theirs;
  const { bundleFromJSON } = world.load("@sigstore/verify", "@sigstore/bundle") as {
    bundleFromJSON: (json: unknown) => object;
  };
  const specs = world.load("@sigstore/verify", "@sigstore/protobuf-specs") as {
    TrustedRoot: { fromJSON(json: unknown): object };
  };
  const root = specs.TrustedRoot.fromJSON(await readJson(world.trust("trusted_root.json")));
  const thresholds = { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 };
  const verifier = new library.Verifier(library.toTrustMaterial(root), thresholds);
  const policy = { subjectAlternativeName: world.identity, extensions: { issuer: world.issuer } };
  return ({ bytes, bundle }: Signed): void => {
    const entity = library.toSignedEntity(bundleFromJSON(JSON.parse(String(bundle))), bytes);
    verifier.verify(entity, policy);
  };
};

const ourVerifier = async ({ world }: Lab) => {
  const trust = unwrap(parseTrustedRoot(await readFile(world.trust("trusted_root.json"))));
  const { identity: san, issuer } = world;
  const expect = { kind: "identity", anyOf: [{ kind: "exact", san, issuer }] } as const;
  return async ({ bytes, bundle }: Signed): Promise<void> => {
    const verdict = await verify({
      artifact: artifactOfBytes(bytes),
      bundle: unwrap(parseBundle(bundle)),
      trust,
      expect,
      now: Date.now(),
    });
    if (!verdict.verified) throw new Error(verdict.failure.message);
  };
};

/** Bundles that nobody has seen before: each with a certificate of its own. */
const makeBundles = async (lab: Lab, count: number): Promise<Signed[]> => {
  const folder = join(lab.folder, "dist");
  const names = await makeWheels(folder, count, SIZE);
  await timed(ours(lab, ["sign", folder, "--certificate-per-file", ...local(lab)]));
  const read = (name: string) => readFile(join(folder, name));
  return Promise.all(
    names.map(async (name) => ({
      bytes: await read(name),
      bundle: await read(`${name}.sigstore.json`),
    })),
  );
};

const each = async (signed: readonly Signed[], work: (one: Signed) => unknown): Promise<number> => {
  const started = performance.now();
  for (const one of signed) await work(one);
  return (performance.now() - started) / 1000 / signed.length;
};

const run = async (lab: Lab): Promise<Outcome> => {
  const signed = await makeBundles(lab, (lab.runs + 1) * EACH);
  const own = await ourVerifier(lab);
  const absent = lab.missing("@sigstore/verify");
  const theirs = absent === undefined ? await theirVerifier(lab) : undefined;
  const turn = { ours: 0, theirs: 0 };
  const next = (who: "ours" | "theirs"): Signed[] => {
    const at = turn[who] * EACH;
    turn[who] += 1;
    return signed.slice(at, at + EACH);
  };
  const samples = await alternate(lab.runs, {
    ours: () => each(next("ours"), own),
    theirs: theirs && (() => each(next("theirs"), theirs)),
  });
  const { ours: mine = [], theirs: other } = samples;
  const ratio = other && ratios(mine, other);
  return {
    findings: [
      {
        what: "one bundle, warm, in process",
        measured: time(mine),
        against: other ? `@sigstore/verify 4.1.3: ${time(other)}` : `@sigstore/verify: ${absent}`,
        ...(ratio && { ratio: times(ratio), goal: "≤ 0.35 ×", reached: median(ratio) <= 0.35 }),
      },
    ],
    notes: [
      `Each round verifies ${EACH} bundles that were not seen before, each with a certificate of its own, over wheels of 20 kB; log entry with promise, proof and checkpoint, SCT and timestamp are checked by both.`,
    ],
  };
};

export const warm: Bench = {
  name: "warm",
  title: "One bundle, warm, in process",
  peers: ["@sigstore/verify"],
  run,
};
