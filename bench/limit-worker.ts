import { generateKeyPairSync, hash, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

// What no verifier can do without: a digest of each file, and its signatures, one after the other.

const { paths, signatures } = workerData as {
  readonly paths: readonly string[];
  readonly signatures: number;
};

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const message = Buffer.alloc(300);
const signature = sign("sha256", message, privateKey);

for (const path of paths) {
  hash("sha256", readFileSync(path), "buffer");
  for (let count = 0; count < signatures; count += 1) {
    if (!verify("sha256", message, publicKey, signature)) throw new Error("not verified");
  }
}
parentPort?.postMessage("done");
