import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { generateKey } from "../src/crypto/keys.ts";
import { unwrap } from "../src/formats/result.ts";
import { registryService } from "../src/services/registry.ts";
import { registryStore } from "../src/services/registry-store.ts";
import { rekorSigner } from "../src/services/rekor.ts";
import { inclusionProofOf, type ReadNode } from "../src/services/tree-math.ts";
import { openTreeStore } from "../src/services/tree-store.ts";
import type { Bench, Finding, Lab, Outcome } from "./bench.ts";
import { forgetful } from "./log.ts";
import { median, number, quantile, timed } from "./measure.ts";
import { simulate } from "./simulate.ts";
import { local, offline, ours } from "./tool.ts";
import { makeWheels } from "./wheels.ts";

const milli = (seconds: number): string => `${(seconds * 1000).toFixed(2)} ms`;

const seconds = async (work: () => unknown): Promise<number> => {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
};

/** Signs and verifies releases of more and more files. */
const filesARun = async (lab: Lab): Promise<Finding[]> => {
  const found: Finding[] = [];
  for (const count of lab.quick ? [10, 100] : [10, 100, 1000]) {
    const folder = join(lab.folder, `files-${count}`);
    await makeWheels(folder, count, 20_000);
    const signed = await timed(ours(lab, ["sign", folder, ...local(lab)]));
    const verified: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      verified.push(await timed(ours(lab, ["verify", folder, ...offline(lab.world)])));
    }
    const each = (total: number): string => `${total.toFixed(2)} s, ${milli(total / count)} a file`;
    found.push({
      what: `${number(count)} files of 20 kB in a run`,
      measured: `sign: ${each(signed)}; verify: ${each(median(verified))}`,
    });
  }
  return found;
};

const PROJECT = { id: "1", path: "bench/packages", visibility: "public" } as const;

/** Pages of a registry that holds more and more packages. */
const packages = async (lab: Lab): Promise<Finding[]> => {
  const folder = await mkdtemp(join(lab.folder, "registry-"));
  const options = {
    folder,
    projects: [PROJECT],
    credentials: [],
    now: Date.now,
    baseUrl: "http://bench",
  };
  const store = registryStore(folder, forgetful);
  const found: Finding[] = [];
  let count = 0;
  for (const size of lab.quick ? [100, 1000] : [100, 1000, 10_000]) {
    for (; count < size; count += 1) {
      const digest = count.toString(16).padStart(64, "0");
      const name = `package-${count}`;
      store.add(
        {
          ...{ project: PROJECT.id, kind: "pypi", name, normalized: name, version: "1.0.0" },
          ...{ fileName: `package_${count}-1.0.0-py3-none-any.whl`, size: 1, sha256: digest },
          ...{ blob: digest, requiresPython: null, metadata: null, attestations: null },
          ...{ publisher: null, createdAt: 0 },
        },
        false,
      );
    }
    const registry = registryService(options);
    const get = (path: string) => async (): Promise<void> => {
      const url = `http://bench/api/v4/projects/1/packages/pypi/simple/${path}`;
      const answer = await registry.fetch(new Request(url));
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      await answer.arrayBuffer();
    };
    const page: number[] = [];
    for (let turn = 0; turn < 500; turn += 1) {
      page.push(await seconds(get(`package-${(turn * 37) % size}`)));
    }
    const root = await seconds(get(""));
    registry.close();
    found.push({
      what: `an index of ${number(size)} packages`,
      measured: `a project's page: ${milli(median(page))}; the list of all: ${milli(root)}`,
    });
  }
  store.close();
  return found;
};

/** What a log takes on disk, and how long it takes to open: both grow with it. */
const logOnDisk = async (lab: Lab) => {
  const folder = await mkdtemp(join(lab.folder, "disk-"));
  const path = join(folder, "log.db");
  const signer = rekorSigner({ hostname: "bench", key: generateKey("ecdsa-p256") });
  const open = async () =>
    unwrap(await openTreeStore({ path, signer, now: Date.now, storage: forgetful }));
  const count = lab.quick ? 10_000 : 100_000;
  const store = await open();
  for (let from = 0; from < count; from += 1000) {
    const batch = Array.from({ length: 1000 }, (_, at) => {
      const body = new Uint8Array(1200);
      new DataView(body.buffer).setUint32(0, from + at);
      return store.append({ body, keys: [`sha256:${from + at}`, `signer ${from + at}`] });
    });
    for (const appended of await Promise.all(batch)) unwrap(appended);
  }
  await store.close();
  const { size } = await stat(path);
  const opening = await seconds(async () => (await open()).close());
  await rm(folder, { recursive: true });
  return { count, bytes: size / count, opening };
};

/** A proof in a tree of that size by the log's own code; a node is made up, not read. */
const proofIn = (size: number) => {
  let reads = 0;
  const node = new Uint8Array(32) as ReturnType<ReadNode>;
  const read: ReadNode = () => {
    reads += 1;
    return node;
  };
  const count = 1000;
  const waits: number[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const index = Math.floor((turn / count) * (size - 1));
    const started = performance.now();
    inclusionProofOf(index, size, read);
    waits.push((performance.now() - started) / 1000);
  }
  return { reads: reads / count, median: median(waits), p99: quantile(waits, 0.99) };
};

const beyond = async (lab: Lab): Promise<Finding[]> => {
  const { count, bytes, opening } = await logOnDisk(lab);
  const proofs = [1e6, 1e9].map((size) => ({ size, ...proofIn(size) }));
  return [
    {
      what: `the log on disk at ${number(count)} entries`,
      measured: `${number(bytes)} bytes an entry; opened, with its check, in ${milli(opening)}`,
    },
    ...proofs.map(({ size, reads, median: middle, p99 }) => ({
      what: `a proof at ${number(size)} entries, nodes made up`,
      measured: `${reads.toFixed(0)} nodes; ${milli(middle)}, p99 ${milli(p99)}`,
    })),
    {
      what: `the log at ${number(1e9)} entries, if both grow on`,
      measured: `${((bytes * 1e9) / 1e12).toFixed(1)} TB; ${(((opening / count) * 1e9) / 60).toFixed(0)} minutes to open`,
    },
    ...simulate(),
  ];
};

const run = async (lab: Lab): Promise<Outcome> => ({
  findings: [...(await filesARun(lab)), ...(await packages(lab)), ...(await beyond(lab))],
  notes: [],
});

export const growth: Bench = { name: "growth", title: "How cost grows", peers: [], run };
