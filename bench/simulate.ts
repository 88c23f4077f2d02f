import type { Finding } from "./bench.ts";
import { number, quantile } from "./measure.ts";

// What no machine here can run: many clients of one server, in virtual time. Service times are those
// that the other benches measure on this machine; they are written here so that a run is repeatable.

/** Seconds of one processor. */
type Step = { readonly name: string; readonly cost: number };

type Fleet = {
  /** Clients, each doing all steps `times` times. */
  readonly clients: number;
  readonly times: number;
  readonly steps: readonly Step[];
  /** Servers that work at the same time on one queue. */
  readonly servers: number;
  /** Seconds over which the clients begin. */
  readonly within: number;
  /** Seconds that a client takes between two requests. */
  readonly pause: number;
};

/** Repeatable numbers from 0 to 1 (Park and Miller). */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};

/** Requests are served in the order of their arrival; each client waits for its answer. */
const queue = ({ clients, times, steps, servers, within, pause }: Fleet) => {
  const random = randomFrom(20_261_125);
  const free = Array.from({ length: servers }, () => 0);
  const requests = Array.from({ length: clients }, () => ({
    at: random() * within,
    left: times * steps.length,
    began: -1,
  }));
  const ends: number[] = [];
  let busy = 0;
  while (requests.length > 0) {
    requests.sort((a, b) => b.at - a.at);
    const next = requests.pop();
    if (next === undefined) break;
    if (next.began < 0) next.began = next.at;
    const step = steps[(times * steps.length - next.left) % steps.length];
    const cost = (step?.cost ?? 0) * (0.5 + random());
    const server = free.indexOf(Math.min(...free));
    const start = Math.max(free[server] ?? 0, next.at);
    free[server] = start + cost;
    busy += cost;
    next.left -= 1;
    next.at = start + cost + pause * (0.5 + random());
    if (next.left === 0) ends.push(next.at - next.began);
    else requests.push(next);
  }
  return { ends, busy, last: Math.max(...free) };
};

const shown = (what: string, fleet: Fleet): Finding => {
  const { ends, busy, last } = queue(fleet);
  const used = (busy / (last * fleet.servers)) * 100;
  return {
    what,
    measured: `half are done after ${quantile(ends, 0.5).toFixed(1)} s, 99 % after ${quantile(ends, 0.99).toFixed(1)} s; the server is busy for ${used.toFixed(0)} %`,
  };
};

/** A job of two files: a certificate, and for each file three entries and a timestamp. */
const SIGNING: readonly Step[] = [
  { name: "certificate", cost: 0.004 },
  ...Array.from({ length: 2 }, () => [
    { name: "hashedrekord", cost: 0.0016 },
    { name: "dsse", cost: 0.0016 },
    { name: "dsse", cost: 0.0016 },
    { name: "timestamp", cost: 0.001 },
  ]).flat(),
];

/** A client's own work between two requests of a signing: keys, digests, checks. */
const CLIENT_PAUSE = 0.02;

/**
 * An installation of 30 packages through a gateway that knows them: for each a page and a file,
 * and two short statements of its database.
 */
const INSTALL: readonly Step[] = [
  { name: "page", cost: 0.0005 },
  { name: "file", cost: 0.0005 },
];

export const simulate = (): Finding[] => [
  shown("simulated: 1,000 CI jobs sign two files each within 10 s, one log of one process", {
    ...{ clients: 1000, times: 1, steps: SIGNING, servers: 1, within: 10, pause: CLIENT_PAUSE },
  }),
  shown("simulated: 1,000 CI jobs within a minute", {
    ...{ clients: 1000, times: 1, steps: SIGNING, servers: 1, within: 60, pause: CLIENT_PAUSE },
  }),
  ...[1, 8, 64].map((gateways) => {
    const clients = gateways * 20;
    return shown(
      `simulated: ${number(gateways)} ${gateways === 1 ? "gateway" : "gateways"}, ${number(clients)} installations of 30 packages within 10 s, the statements at one PostgreSQL of 4 processors`,
      { clients, times: 30, steps: INSTALL, servers: 4, within: 10, pause: 0.01 },
    );
  }),
];
