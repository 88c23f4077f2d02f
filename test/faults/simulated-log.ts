import { join } from "node:path";
import { type Sha256, sha256 } from "../../src/crypto/hash.ts";
import { equal, hex, utf8 } from "../../src/formats/bytes.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../../src/formats/merkle.ts";
import type { Result } from "../../src/formats/result.ts";
import { fsckLog } from "../../src/services/log-fsck.ts";
import type { CheckpointSigner, TreeHead } from "../../src/services/note-writer.ts";
import { type Appended, openTreeStore, type TreeStore } from "../../src/services/tree-store.ts";
import { PowerLoss, SOUND } from "./disk.ts";
import { sabotaged } from "./sabotage.ts";
import { type Counts, holds, type Life, type Simulated, type World } from "./simulation.ts";

/** Signs as fast as it hashes: how a checkpoint is signed is not what is simulated. */
const signer: CheckpointSigner = {
  sign: ({ size, root }) => {
    const text = `${size} ${hex(root)}`;
    return `${text} ${hex(sha256(utf8(`key ${text}`)))}`;
  },
  open: async (note) => {
    const [size = "", root = "", proof] = note.split(" ");
    if (proof !== hex(sha256(utf8(`key ${size} ${root}`)))) return undefined;
    return { size: Number(size), root: new Uint8Array(Buffer.from(root, "hex")) as Sha256 };
  },
};

/** What the log has promised, to whoever asked. */
type Promises = {
  readonly answered: Map<number, Uint8Array>;
  /** Roots by size, of every head that anybody could have seen. */
  readonly heads: Map<number, string>;
  tallest: TreeHead | undefined;
};

const see = (promises: Promises, head: TreeHead): void => {
  const root = hex(head.root);
  holds(
    (promises.heads.get(head.size) ?? root) === root,
    `two checkpoints of ${head.size} leaves have different roots`,
  );
  promises.heads.set(head.size, root);
  if (head.size >= (promises.tallest?.size ?? 0)) promises.tallest = head;
};

/** Every promise, against what the log says now. */
const check = (store: TreeStore, promises: Promises): void => {
  const head = store.head();
  const { tallest } = promises;
  see(promises, head);
  if (tallest !== undefined) {
    holds(head.size >= tallest.size, `${head.size} leaves after ${tallest.size} were promised`);
    const proven = verifyConsistency(
      { size: BigInt(tallest.size), root: tallest.root },
      { size: BigInt(head.size), root: head.root },
      store.consistencyProof(tallest.size, head.size),
    );
    holds(proven.ok, `the head of ${head.size} does not follow from that of ${tallest.size}`);
  }
  for (const [size, root] of promises.heads) {
    holds(hex(store.root(size)) === root, `the root of ${size} leaves is another than was signed`);
  }
  for (const [index, body] of promises.answered) {
    const leaf = store.leaf(index);
    holds(leaf !== undefined && equal(leaf.body, body), `entry ${index} was answered, and is gone`);
    const hash = leafHash(body);
    holds(store.find(hash) === index, `entry ${index} is not found by its hash`);
    holds(store.search(hex(hash), 9).includes(index), `entry ${index} is not found by its key`);
    const path = store.inclusionProof(index, head.size);
    const proven = verifyInclusion(hash, BigInt(index), BigInt(head.size), path, head.root);
    holds(proven.ok, `entry ${index} has no proof against the head`);
  }
};

const begin = (world: World, counts: Counts): Life => {
  const { chance, disk, now, sabotage } = world;
  const promises: Promises = { answered: new Map(), heads: new Map(), tallest: undefined };
  let bodies = 0;

  const path = (): string => join(disk.folder(), "log.db");

  const answer = (body: Uint8Array, result: Result<Appended>): void => {
    if (!result.ok || disk.isOff()) return;
    counts.answers += 1;
    const { leaf, head } = result.value;
    holds(equal(leaf.body, body), `entry ${leaf.index} was answered with another's body`);
    holds(leaf.index < head.size, `entry ${leaf.index} is not under the head of its answer`);
    const known = promises.answered.get(leaf.index);
    holds(known === undefined || equal(known, body), `index ${leaf.index} was given twice`);
    promises.answered.set(leaf.index, body);
    see(promises, head);
  };

  const burst = async (store: TreeStore): Promise<void> => {
    const count = 1 + chance(5);
    const sent = Array.from({ length: count }, async (_, n) => {
      for (let turns = chance(3); turns > 0; turns -= 1) await new Promise(setImmediate);
      if (chance(6) > 0) bodies += 1;
      const body = utf8(`${bodies} ${"x".repeat(chance(700))}`);
      if (sabotage === "answers-early" && n === 0) {
        promises.answered.set(store.head().size, body);
      }
      answer(body, await store.append({ body, keys: [hex(leafHash(body)), "all"] }));
    });
    await Promise.all(sent);
    if (!disk.isOff()) check(store, promises);
  };

  const open = async (): Promise<TreeStore | "refused" | undefined> => {
    const storage = sabotaged(disk.storage(), sabotage);
    try {
      const store = await openTreeStore({ path: path(), signer, now, storage });
      if (store.ok) return store.value;
      if (disk.isOff()) return undefined;
      const { code, message } = store.error;
      // A disk that fails at the start is told of; the next start finds everything.
      if (code === "FILE_UNWRITABLE" && disk.fails()) return undefined;
      holds(disk.lies(), `the log does not start: ${message}`);
      return "refused";
    } catch (error) {
      if (error instanceof PowerLoss || disk.isOff()) return undefined;
      throw error;
    }
  };

  const live = async (rounds: number): Promise<"lived" | "refused"> => {
    const store = await open();
    if (store === "refused" || store === undefined) return store ?? "lived";
    check(store, promises);
    for (let round = 0; round < rounds && !disk.isOff(); round += 1) await burst(store);
    if (disk.isOff() || chance(2) === 0) return "lived";
    await store.close().catch(() => undefined);
    if (rounds > 0 || disk.isOff()) return "lived";
    const report = await fsckLog({ path: path(), signer });
    holds(report.ok, `fsck: ${report.ok ? "" : report.error.message}`);
    if (report.ok) holds(report.value.findings.length === 0, `fsck: ${report.value.findings}`);
    return "lived";
  };
  return { live };
};

/** The log: tree store, database and checkpoint file. */
export const simulatedLog: Simulated = {
  name: "log",
  faults: [
    SOUND,
    SOUND,
    SOUND,
    { ...SOUND, full: 12 },
    { ...SOUND, broken: 12 },
    { ...SOUND, lyingFiles: 3 },
    { ...SOUND, lyingDatabases: 4 },
  ],
  begin,
};
