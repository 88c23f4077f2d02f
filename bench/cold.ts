import { join } from "node:path";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { alternate, median, ratios, type Samples, time, timed, times } from "./measure.ts";
import { cosign, offline, ours, plainEnvironment } from "./tool.ts";

const run = async (lab: Lab): Promise<Outcome> => {
  const { world } = lab;
  const wheel = join(world.release.folder, world.release.wheel);
  const bundle = `${wheel}.sigstore.json`;
  const cosignBundle = join(lab.folder, "wheel.bundle");
  const hasCosign = lab.missing("cosign-2.2") === undefined;
  if (hasCosign) await timed(cosign(lab, "sign", wheel, cosignBundle, await world.token()));
  const verify = ["verify", wheel, "--bundle", bundle, ...offline(world)];
  const cache = { XDG_CACHE_HOME: join(lab.folder, "cache") };
  await timed(ours(lab, verify, cache));
  const python = () =>
    timed({
      program: world.program("sigstore"),
      args: [
        ...["--trust-config", world.stack.trustConfig, "verify", "identity", "--offline"],
        ...["--bundle", bundle, "--cert-identity", world.identity],
        ...["--cert-oidc-issuer", world.issuer, wheel],
      ],
      env: plainEnvironment(lab),
    });
  const samples = await alternate(2 * lab.runs, {
    ours: () => timed(ours(lab, verify, cache)),
    floor: () => timed({ program: process.execPath, args: ["-e", "0"] }),
    uncached: () => timed(ours(lab, verify, { NODE_DISABLE_COMPILE_CACHE: "1" })),
    cosign: hasCosign ? () => timed(cosign(lab, "verify", wheel, cosignBundle)) : undefined,
    python: lab.missing("sigstore") === undefined ? python : undefined,
  });
  const { ours: own = [], floor = [], uncached = [] } = samples;
  const row = (
    name: string,
    id: "cosign-2.2" | "sigstore",
    other: Samples | undefined,
    goal: number,
  ) => {
    const what = `cold \`wheelseal verify\` of one wheel, against ${name}`;
    if (other === undefined) {
      return { what, measured: time(own), against: `${name} is missing: ${lab.missing(id)}` };
    }
    const ratio = ratios(own, other);
    return {
      what,
      measured: time(own),
      against: `${name}: ${time(other)}`,
      ratio: times(ratio),
      goal: `≤ ${goal} ×`,
      reached: median(ratio) <= goal,
    };
  };
  return {
    findings: [
      row("cosign 2.2.3 `verify-blob --offline`", "cosign-2.2", samples.cosign, 1.5),
      row("sigstore-python 4.5.1 `verify identity --offline`", "sigstore", samples.python, 0.2),
      { what: "the floor, `node -e 0`", measured: time(floor) },
      {
        what: "the same without the compile cache",
        measured: time(uncached),
        ratio: `${times(ratios(uncached, own))} of with it`,
      },
    ],
    notes: [
      "Whole processes, by the clock, one wheel of the example with its bundle; the bundled tool, `dist/wheelseal.js`.",
    ],
  };
};

export const cold: Bench = {
  name: "cold",
  title: "One file, from a cold start",
  peers: ["cosign-2.2", "sigstore"],
  run,
};
