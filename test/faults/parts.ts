import { hostile, hostilePages } from "./hostile.ts";
import { kill } from "./kill.ts";
import { loadPart } from "./load.ts";
import { network } from "./network.ts";
import type { Part } from "./part.ts";
import { rotation } from "./rotation.ts";
import { simulations } from "./simulations.ts";
import { skew } from "./skew.ts";

/** The parts of the suite, in the order in which they run. */
export const PARTS: readonly Part[] = [
  ...simulations,
  kill,
  hostile,
  hostilePages,
  ...rotation,
  skew,
  loadPart,
  network,
];
