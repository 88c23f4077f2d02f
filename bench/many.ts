import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { systemFiles } from "../src/clients/files.ts";
import { parseBundle } from "../src/formats/bundle.ts";
import { unwrap } from "../src/formats/result.ts";
import { parseTrustedRoot } from "../src/formats/trusted-root.ts";
import { verify } from "../src/verification/verify.ts";
import type { Bench, Finding, Lab, Outcome } from "./bench.ts";
import { alternate, median, number, ratios, type Samples, time, timed, times } from "./measure.ts";
import { verifyingTakes } from "./memory.ts";
import { cosign, local, offline, ours } from "./tool.ts";
import { makeWheels } from "./wheels.ts";

const MEGABYTE = 1024 * 1024;
/** cosign and the Python libraries do as much for every file: a part tells the whole. */
const PART = 25;
/**
 * Of a wheel's three pieces of evidence: promise, checkpoint, two certificates, SCT and signature
 * each, and the bundle's timestamp with two certificates.
 */
const SIGNATURES = 3 * 6 + 3;

const PEERS_SCRIPT = fileURLToPath(new URL("peers.py", import.meta.url));
const LIMIT = new URL("limit-worker.ts", import.meta.url);

/** Both processors, each with its share of the files. */
const limit = async (paths: readonly string[]): Promise<number> => {
  const count = availableParallelism();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const share = paths.filter((__, at) => at % count === index);
      const worker = new Worker(LIMIT, { workerData: { paths: share, signatures: SIGNATURES } });
      return new Promise((done, failed) => worker.once("message", done).once("error", failed));
    }),
  );
  return (performance.now() - started) / 1000;
};

const python = async (
  { world, folder }: Lab,
  library: "sigstore" | "pypi-attestations",
  paths: readonly string[],
): Promise<number> => {
  const { trustConfig } = world.stack;
  const args = [PEERS_SCRIPT, library, trustConfig, world.identity, world.issuer, ...paths];
  const program = world.program("sigstore", "python");
  const told = await world.run(program, args, { cwd: folder });
  if (told.code !== 0) throw new Error(told.output.slice(-500));
  return Number(told.stdout.trim());
};

/** The work of the Python libraries, and no more: one bundle a wheel, in this process and thread. */
const bundleVerifier = async ({ world }: Lab) => {
  const trust = unwrap(parseTrustedRoot(await readFile(world.trust("trusted_root.json"))));
  const { identity: san, issuer } = world;
  const expect = { kind: "identity", anyOf: [{ kind: "exact", san, issuer }] } as const;
  return async (paths: readonly string[]): Promise<number> => {
    const started = performance.now();
    for (const path of paths) {
      const bundle = unwrap(parseBundle(await readFile(`${path}.sigstore.json`)));
      const verified = await systemFiles.hold(path, ({ name: _, ...artifact }) =>
        verify({ artifact, bundle, trust, expect, now: Date.now() }),
      );
      if (!unwrap(verified).verified) throw new Error(`${path} is not verified`);
    }
    return (performance.now() - started) / 1000;
  };
};

const comparison = (
  what: string,
  own: Samples,
  against: string,
  other: Samples | undefined,
  least: number,
  absent: string | undefined,
): Finding => {
  if (other === undefined) return { what, measured: time(own), against: `${against}: ${absent}` };
  const ratio = ratios(other, own);
  return {
    what,
    measured: time(own),
    against: `${against}: ${time(other)}`,
    ratio: `${times(ratio)} as fast`,
    goal: `≥ ${least} ×`,
    reached: median(ratio) >= least,
  };
};

const run = async (lab: Lab): Promise<Outcome> => {
  const { world } = lab;
  const count = lab.quick ? 100 : 1000;
  const folder = join(lab.folder, "dist");
  const names = await makeWheels(folder, count, MEGABYTE);
  const paths = names.map((name) => join(folder, name));
  await timed(ours(lab, ["sign", folder, ...local(lab)]));
  const part = paths.slice(0, PART);
  const whole = (seconds: number): number => (seconds / part.length) * count;
  const absent = { cosign: lab.missing("cosign-2.2"), python: lab.missing("sigstore") };
  const bundleOf = (path: string) => join(lab.folder, `${path.split("/").at(-1)}.bundle`);
  if (absent.cosign === undefined) {
    const token = await world.token();
    for (const path of part) await timed(cosign(lab, "sign", path, bundleOf(path), token));
  }
  const cosignLoop = async (): Promise<number> => {
    let sum = 0;
    for (const path of part) sum += await timed(cosign(lab, "verify", path, bundleOf(path)));
    return whole(sum);
  };
  const byPython = (library: "sigstore" | "pypi-attestations") => async () =>
    whole(await python(lab, library, part));
  const single = await bundleVerifier(lab);
  let turn = 0;
  const oneBundleEach = async (): Promise<number> => {
    // Others than in the round before, so that nothing of them is remembered.
    const from = (turn * PART) % (count - PART + 1);
    turn += 1;
    return whole(await single(paths.slice(from, from + PART)));
  };
  const samples = await alternate(lab.runs, {
    ours: () => timed(ours(lab, ["verify", folder, ...offline(world)])),
    limit: () => limit(paths),
    single: oneBundleEach,
    cosign: absent.cosign === undefined ? cosignLoop : undefined,
    sigstore: absent.python === undefined ? byPython("sigstore") : undefined,
    pypi: absent.python === undefined ? byPython("pypi-attestations") : undefined,
  });
  const { ours: own = [], limit: bound = [], single: alone = [] } = samples;
  const what = `verify ${number(count)} signed 1 MB wheels in one run`;
  const share = ratios(bound, own);
  return {
    findings: [
      comparison(what, own, "a cosign 2.2.3 loop", samples.cosign, 10, absent.cosign),
      comparison(what, own, "sigstore-python 4.5.1 in process", samples.sigstore, 3, absent.python),
      comparison(what, own, "pypi-attestations in process", samples.pypi, 3, absent.python),
      {
        what: "the work of the Python libraries alone: one bundle a wheel, in one process and thread",
        measured: time(alone),
        ...(samples.sigstore && {
          against: `sigstore-python 4.5.1 in process: ${time(samples.sigstore)}`,
          ratio: `${times(ratios(samples.sigstore, alone))} as fast`,
        }),
      },
      {
        what: "the same, against the limit",
        measured: time(own),
        against: `the limit: ${time(bound)}`,
        ratio: `${(median(share) * 100).toFixed(0)} % of it`,
        goal: "≥ 80 %",
        reached: median(share) >= 0.8,
      },
      await verifyingTakes(lab, `${number(count)} wheels of 1 MB`, [folder]),
    ],
    notes: [
      `The limit reads and digests each file once and makes ${SIGNATURES} ECDSA P-256 verifications for it with OpenSSL, on all processors: as many as the three pieces of evidence of a wheel have signatures.`,
      `Ours checks a bundle, a publish attestation and a provenance for each wheel, and the wheel itself: every member against RECORD, names and metadata. The others check one bundle or attestation each, on ${PART} of the wheels; their times are of those, scaled to ${number(count)}.`,
    ],
  };
};

export const many: Bench = {
  name: "many",
  title: "A thousand wheels in one run",
  peers: ["cosign-2.2", "sigstore", "pypi-attestations"],
  run,
};
