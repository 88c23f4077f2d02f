import type { PeerId } from "../test/interop/peers.ts";
import type { World } from "../test/interop/world.ts";

/** One measured line, as it stands in docs/benchmarks.md. */
export type Finding = {
  readonly what: string;
  /** Medians and spreads, with units. */
  readonly measured: string;
  readonly against?: string;
  readonly ratio?: string;
  readonly goal?: string;
  /** Absent where there is no goal, or a peer to hold it against is missing. */
  readonly reached?: boolean;
};

export type Outcome = {
  readonly findings: readonly Finding[];
  /** How it was measured, and what the reader must know to judge it; Markdown. */
  readonly notes: readonly string[];
};

/** What a bench measures in. */
export type Lab = {
  readonly world: World;
  /** A folder of this bench alone. */
  readonly folder: string;
  /** Counted runs of each contender. */
  readonly runs: number;
  /** Everything smaller, to see that it works. */
  readonly quick: boolean;
  /** The bundled tool: `dist/wheelseal.js`. */
  readonly tool: string;
  /** Why a peer is not here; `undefined` where it is. */
  readonly missing: (id: PeerId) => string | undefined;
  readonly say: (line: string) => void;
};

export type Bench = {
  readonly name: string;
  readonly title: string;
  readonly peers: readonly PeerId[];
  readonly run: (lab: Lab) => Promise<Outcome>;
};
