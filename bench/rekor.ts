import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { withDatabase, withTrillian } from "../test/interop/real-log.ts";
import { withRekor } from "../test/interop/real-services.ts";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { alternate, median, number, quantile, ratios, times } from "./measure.ts";

const CLIENTS = 64;
const LEAST = 10;

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = Buffer.from(publicKey.export({ format: "pem", type: "spki" })).toString("base64");

/** A hashedrekord entry over content that was never logged. */
const newEntry = (): string => {
  const content = randomBytes(32);
  const value = createHash("sha256").update(content).digest("hex");
  const signature = sign("sha256", content, privateKey).toString("base64");
  const spec = {
    data: { hash: { algorithm: "sha256", value } },
    signature: { content: signature, publicKey: { content: pem } },
  };
  return JSON.stringify({ apiVersion: "0.0.1", kind: "hashedrekord", spec });
};

const post = (agent: Agent, url: string, body: string): Promise<void> =>
  new Promise((done, failed) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const sent = request(url, { agent, method: "POST", headers }, (answer) => {
      answer.resume();
      answer.once("error", failed).once("end", () => {
        if (answer.statusCode === 201) done();
        else failed(new Error(`status ${answer.statusCode}`));
      });
    });
    sent.once("error", failed).end(body);
  });

type Load = { readonly seconds: number; readonly waits: readonly number[] };

/** Clients that each send an entry, wait for its answer, and send the next. */
const load = async (rekor: string, count: number): Promise<Load> => {
  const entries = Array.from({ length: count }, newEntry);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const waits: number[] = [];
  const client = async (): Promise<void> => {
    for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
      const started = performance.now();
      await post(agent, `${rekor}/api/v1/log/entries`, entry);
      waits.push((performance.now() - started) / 1000);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
  return { seconds: (performance.now() - started) / 1000, waits };
};

const PEERS = ["rekor-server", "trillian", "mariadb"] as const;

/** Real Rekor while `work` lasts, or nothing where a part of it is missing. */
const withPeer = async (lab: Lab, work: (url: string | undefined) => Promise<Outcome>) => {
  if (PEERS.some((id) => lab.missing(id) !== undefined)) return work(undefined);
  const folder = join(lab.folder, "services");
  await mkdir(folder);
  return withDatabase(lab.world, folder, (uri) =>
    withTrillian(lab.world, uri, (trillian) => withRekor(lab.world, trillian, folder, work)),
  );
};

const measure = async (lab: Lab, peer: string | undefined): Promise<Outcome> => {
  const counts = lab.quick ? { ours: 500, theirs: 100 } : { ours: 2000, theirs: 400 };
  const waits: Record<"ours" | "theirs", number[]> = { ours: [], theirs: [] };
  const each = (who: "ours" | "theirs", url: string) => async () => {
    const { seconds, waits: seen } = await load(url, counts[who]);
    waits[who].push(...seen);
    return seconds / counts[who];
  };
  const samples = await alternate(lab.runs, {
    ours: each("ours", lab.world.stack.urls.rekor),
    theirs: peer === undefined ? undefined : each("theirs", peer),
  });
  const { ours = [], theirs } = samples;
  const rate = (values: readonly number[], seen: readonly number[]): string =>
    `${number(1 / median(values))} a second, p50 ${(quantile(seen, 0.5) * 1000).toFixed(0)} ms, p99 ${(quantile(seen, 0.99) * 1000).toFixed(0)} ms`;
  const ratio = theirs && ratios(theirs, ours);
  const absent = PEERS.flatMap((id) => lab.missing(id) ?? []).join("; ");
  return {
    findings: [
      {
        what: `entries logged over HTTP, ${CLIENTS} clients`,
        measured: rate(ours, waits.ours),
        against: theirs
          ? `Rekor 1.5.4 on Trillian 1.8.0 and MariaDB: ${rate(theirs, waits.theirs)}`
          : `Rekor 1.5.4 is missing: ${absent}`,
        ...(ratio && {
          ratio: `${times(ratio)} as many`,
          goal: `≥ ${LEAST} ×`,
          reached: median(ratio) >= LEAST,
        }),
      },
    ],
    notes: [
      `Signatures over digests, each verified before it is logged, flushed and answered with a promise and a proof; the clients are on the same processors. ${number(counts.ours)} entries a run against ours, ${number(counts.theirs)} against Rekor's.`,
    ],
  };
};

export const rekor: Bench = {
  name: "rekor",
  title: "The log over HTTP",
  peers: [...PEERS],
  run: (lab) => withPeer(lab, (url) => measure(lab, url)),
};
