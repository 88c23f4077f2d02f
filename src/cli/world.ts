import { type Outside, outsideWith } from "../clients/outside.ts";
import { systemRandom } from "../crypto/random.ts";

/** The real clock, network and randomness of this process. */
export const systemOutside = (): Outside => outsideWith(systemRandom);
