import type { Part } from "./part.ts";
import { simulatedLog } from "./simulated-log.ts";
import { simulatedRegistry } from "./simulated-registry.ts";
import { simulatedState } from "./simulated-state.ts";
import { noCounts, type Simulated, simulate } from "./simulation.ts";

/** The log is what all trust rests on, and fast to simulate; the registry is slow. */
const SHARES: readonly (readonly [Simulated, number])[] = [
  [simulatedLog, 1],
  [simulatedRegistry, 0.25],
  [simulatedState, 0.5],
];

const part = (simulated: Simulated, share: number): Part => ({
  name: `simulation-${simulated.name}`,
  about: `the ${simulated.name} on a disk that fails and loses its power`,
  run: async ({ seed, seeds, say }) => {
    const counts = noCounts();
    const count = Math.max(1, Math.round(seeds * share));
    for (let at = 0; at < count; at += 1) {
      try {
        await simulate(simulated, seed + at, counts);
      } catch (error) {
        say(
          `replay: FAULTS_SEED=${seed + at} FAULTS_SEEDS=1 npm run faults -- --only simulation-${simulated.name}`,
        );
        throw error;
      }
    }
    const { cuts, changes, answers, refusals } = counts;
    return `${count} seeds, ${cuts} losses of power, ${changes} changes of the disk, ${answers} answers kept, ${refusals} lying disks refused`;
  },
});

export const simulations: readonly Part[] = SHARES.map(([simulated, share]) =>
  part(simulated, share),
);
