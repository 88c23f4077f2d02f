import type { PeerId } from "./peers.ts";
import type { World } from "./world.ts";

/** One thing that a peer does with what is ours, or we with what is the peer's. */
export type Check = {
  /** The peer whom it is about, then those whom it needs besides. */
  readonly peers: readonly [PeerId, ...PeerId[]];
  /** What it does, for the table: a clause without a subject, such as "verifies our bundle". */
  readonly does: string;
  /** Throws where it fails. */
  readonly run: (world: World) => Promise<void>;
};
