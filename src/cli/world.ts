import type { Outside } from "../clients/outside.ts";
import { systemRandom } from "../crypto/random.ts";

/** The real clock, network and randomness of this process. */
export const systemOutside = (): Outside => ({
  fetch: globalThis.fetch,
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  random: systemRandom,
});
