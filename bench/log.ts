import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { generateKey } from "../src/crypto/keys.ts";
import { unwrap } from "../src/formats/result.ts";
import { rekorSigner } from "../src/services/rekor.ts";
import { disk, type Storage } from "../src/services/storage.ts";
import { openTreeStore, type TreeStore } from "../src/services/tree-store.ts";
import type { Bench, Finding, Lab, Outcome } from "./bench.ts";
import { alternate, median, number, quantile, ratios, time, times } from "./measure.ts";

const CLIENTS = 64;
const BULK = 1024;
/** Bytes of an entry with a certificate. */
const ENTRY = 1200;
const LEAST = 5000;

/** Where nothing is flushed: what the disk costs is the difference. */
export const forgetful: Storage = {
  ...disk,
  openDatabase: (path, timeout) => {
    const database = disk.openDatabase(path, timeout);
    return {
      exec: (sql) => database.exec(sql.replace("synchronous = FULL", "synchronous = OFF")),
      prepare: (sql) => database.prepare(sql),
      close: () => database.close(),
    };
  },
  open: async (path, how) => ({ ...(await disk.open(path, how)), sync: async () => undefined }),
};

const key = generateKey("ecdsa-p256");

const openLog = async (folder: string, storage: Storage): Promise<TreeStore> =>
  unwrap(
    await openTreeStore({
      path: join(folder, "log.db"),
      signer: rekorSigner({ hostname: "bench", key }),
      now: Date.now,
      storage,
    }),
  );

const bodyOf = (index: number): Uint8Array => {
  const body = new Uint8Array(ENTRY);
  new DataView(body.buffer).setUint32(0, index);
  return body;
};

/** Clients that each append, wait for the answer, and append again; seconds of each append. */
const append = async (
  store: TreeStore,
  from: number,
  to: number,
  clients = CLIENTS,
): Promise<number[]> => {
  const waits: number[] = [];
  let next = from;
  const client = async (): Promise<void> => {
    while (next < to) {
      const index = next;
      next += 1;
      const started = performance.now();
      unwrap(
        await store.append({ body: bodyOf(index), keys: [`sha256:${index}`, `signer ${index}`] }),
      );
      waits.push((performance.now() - started) / 1000);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return waits;
};

type Growth = {
  readonly size: number;
  readonly cpu: number;
  readonly wall: number;
  readonly proof: number;
};

const proofTime = (store: TreeStore, size: number): number => {
  const count = 2000;
  const started = performance.now();
  for (let turn = 0; turn < count; turn += 1) {
    store.inclusionProof((turn * 7919 + 13) % size, size);
  }
  return (performance.now() - started) / 1000 / count;
};

/** Lets one log grow, and measures the last appends before each power of ten, and proofs there. */
const grow = async (lab: Lab): Promise<Growth[]> => {
  const folder = await mkdtemp(join(lab.folder, "grow-"));
  const store = await openLog(folder, disk);
  const found: Growth[] = [];
  let at = 0;
  for (const size of lab.quick ? [1e3, 1e4] : [1e3, 1e4, 1e5, 1e6]) {
    const before = Math.max(at, size - 5000);
    // What lies between is only to be there.
    await append(store, at, before, BULK);
    const cpu = process.cpuUsage();
    const started = performance.now();
    await append(store, before, size);
    const used = process.cpuUsage(cpu);
    const count = size - before;
    found.push({
      size,
      cpu: (used.user + used.system) / 1e6 / count,
      wall: (performance.now() - started) / 1000 / count,
      proof: proofTime(store, size),
    });
    at = size;
  }
  await store.close();
  await rm(folder, { recursive: true });
  return found;
};

const growthFindings = (found: readonly Growth[]): Finding[] => {
  const micro = (seconds: number): string => `${(seconds * 1e6).toFixed(0)} µs`;
  const rows = found.map(({ size, cpu, wall, proof }) => ({
    what: `at ${number(size)} entries`,
    measured: `append: ${micro(cpu)} of processor, ${micro(wall)} by the clock; proof: ${micro(proof)}`,
  }));
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined) return rows;
  const growth = last.cpu / first.cpu;
  return [
    ...rows,
    {
      what: `proof at ${number(last.size)} entries`,
      measured: `${(last.proof * 1000).toFixed(3)} ms`,
      goal: "< 0.25 ms",
      reached: last.proof < 0.25e-3,
    },
    {
      what: `an append at ${number(last.size)} entries, against one at ${number(first.size)}`,
      measured: micro(last.cpu),
      ratio: `${growth.toFixed(2)} × the processor's time`,
      goal: "flat",
      reached: growth < 1.5,
    },
  ];
};

const run = async (lab: Lab): Promise<Outcome> => {
  const count = lab.quick ? 5000 : 10_000;
  const waits: number[] = [];
  const contender = (storage: Storage, durable: boolean) => async () => {
    const folder = await mkdtemp(join(lab.folder, "log-"));
    const store = await openLog(folder, storage);
    const started = performance.now();
    const seen = await append(store, 0, count);
    const seconds = (performance.now() - started) / 1000;
    if (durable) waits.push(...seen);
    await store.close();
    await rm(folder, { recursive: true });
    return seconds;
  };
  const samples = await alternate(lab.runs, {
    durable: contender(disk, true),
    unflushed: contender(forgetful, false),
  });
  const { durable = [], unflushed = [] } = samples;
  const rate = count / median(durable);
  const [p50, p99] = [quantile(waits, 0.5) * 1000, quantile(waits, 0.99) * 1000];
  return {
    findings: [
      {
        what: `durable appends, ${CLIENTS} clients`,
        measured: `${number(rate)} a second (${number(count / Math.max(...durable))} to ${number(count / Math.min(...durable))})`,
        against: `without flushing: ${number(count / median(unflushed))} a second`,
        ratio: `${times(ratios(durable, unflushed))} its time`,
        goal: `≥ ${number(LEAST)} a second`,
        reached: rate >= LEAST,
      },
      {
        what: "waiting for the answer to an append",
        measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
        goal: "p50 < 15 ms, p99 < 60 ms",
        reached: p50 < 15 && p99 < 60,
      },
      ...growthFindings(await grow(lab)),
    ],
    notes: [
      `In one process, ${number(count)} entries of ${ENTRY} bytes a run (${time(durable)}); every append is answered when the entry and a signed checkpoint over it are flushed to the disk.`,
    ],
  };
};

export const log: Bench = { name: "log", title: "The log", peers: [], run };
