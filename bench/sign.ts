import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { alternate, median, ratios, time, timed, times } from "./measure.ts";
import { cosign, local, ours } from "./tool.ts";

const COUNT = 100;
const PART = 25;

const run = async (lab: Lab): Promise<Outcome> => {
  const folder = join(lab.folder, "files");
  await mkdir(folder, { recursive: true });
  const paths = Array.from({ length: COUNT }, (_, index) => join(folder, `file-${index}.bin`));
  for (const path of paths) await writeFile(path, randomBytes(10_000));
  const absent = lab.missing("cosign-2.2");
  const own = async (): Promise<number> => {
    for (const name of await readdir(folder)) {
      if (!name.endsWith(".bin")) await rm(join(folder, name));
    }
    return timed(ours(lab, ["sign", ...paths, ...local(lab)]));
  };
  const loop = async (): Promise<number> => {
    let sum = 0;
    const token = await lab.world.token();
    for (const path of paths.slice(0, PART)) {
      sum += await timed(cosign(lab, "sign", path, join(lab.folder, "bundle"), token));
    }
    return (sum / PART) * COUNT;
  };
  const samples = await alternate(lab.runs, {
    ours: own,
    cosign: absent === undefined ? loop : undefined,
  });
  const { ours: mine = [], cosign: theirs } = samples;
  const ratio = theirs && ratios(theirs, mine);
  return {
    findings: [
      {
        what: "sign 100 files",
        measured: time(mine),
        against: theirs ? `a cosign 2.2.3 loop: ${time(theirs)}` : `cosign 2.2.3: ${absent}`,
        ...(ratio && {
          ratio: `${times(ratio)} as fast`,
          goal: "≥ 8 ×",
          reached: median(ratio) >= 8,
        }),
      },
    ],
    notes: [
      "Files of 10 kB, against the same stack: its certificate authority, CT log and Rekor v1. Ours also has each signature timestamped, verifies each bundle before it writes it, and flushes what it writes; it takes one certificate for the batch, which cosign cannot.",
      `cosign signs ${PART} of the files; its time is of those, scaled to ${COUNT}.`,
    ],
  };
};

export const sign: Bench = { name: "sign", title: "Signing", peers: ["cosign-2.2"], run };
