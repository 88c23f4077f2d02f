import { appendLeaf, type CompactRange, rangeBefore } from "../formats/compact-range.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { leafHash } from "../formats/merkle.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { exchange, type HttpRequest, type HttpResponse, shownUrl } from "./http.ts";
import type { LogReader, OfferedTree, ReadEntry } from "./log-reader.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";

const MAX_ANSWER = 4 * 1024 * 1024;
/** Rekor takes requests of at most 32 MiB, and shows an entry in base64. */
const MAX_ENTRY_ANSWER = 64 * 1024 * 1024;
/** Of ten entries; they usually have 60 KB, and larger ones are asked for one by one. */
const MAX_ENTRIES_ANSWER = 16 * 1024 * 1024;
/** Bytes of entries that are held at once, beyond which no more are asked for. */
const MAX_HELD = 16 * 1024 * 1024;
const MAX_SHARDS = 64;
const MAX_HASHES = 64;
/** Rekor answers at most this many at once. */
const PER_QUERY = 10;
const CONCURRENCY = 8;
const WAVES = 4;
const BATCH = PER_QUERY * CONCURRENCY * WAVES;

/** The state of one tree, as `/api/v1/log` shows it. */
type Shard = { readonly id: string; readonly checkpoint: string; readonly size: number };

const readShard = (json: Json): Shard => {
  const id = json.field("treeID");
  const size = Number(json.field("treeSize").int64());
  if (!/^\d{1,20}$/.test(id.string())) id.refuse("is no number");
  if (!Number.isSafeInteger(size) || size < 0) json.refuse("has an impossible size");
  return { id: id.string(), checkpoint: json.field("signedTreeHead").string(), size };
};

/** Inactive shards first, in the order in which the log numbers their entries. */
const readTrees = (json: Json): OfferedTree[] => {
  const inactive = json.optional("inactiveShards")?.items(MAX_SHARDS).map(readShard) ?? [];
  let offset = 0;
  return [...inactive, readShard(json)].map(({ id, checkpoint, size }, at) => {
    const tree = { id, checkpoint, active: at === inactive.length, offset };
    offset += size;
    return tree;
  });
};

const readHashes = (json: Json): Uint8Array[] =>
  json
    .optional("hashes")
    ?.items(MAX_HASHES)
    .map((hash) => hash.hex()) ?? [];

type Listed = Omit<ReadEntry, "index"> & {
  /** The log's own, over all its trees. */
  readonly logIndex: number;
  readonly proof: { readonly index: number; readonly size: number; readonly hashes: Uint8Array[] };
};

/** One entry of a LogEntry, which has one member: its body is not looked into. */
const readListed = (json: Json): Listed => {
  const [first] = json.members(1);
  const entry = first?.[1] ?? json.refuse("is empty");
  const proof = entry.field("verification").field("inclusionProof");
  return {
    body: entry.field("body").base64(),
    logIndex: entry.field("logIndex").integer(),
    integratedTime: entry.field("integratedTime").integer(),
    proof: {
      index: proof.field("logIndex").integer(),
      size: proof.field("treeSize").integer(),
      hashes: readHashes(proof),
    },
  };
};

/** What one reading holds: the first entry is always taken, others only while there is room. */
type Held = { readonly first: number; bytes: number };

/** Asks a log for entries by its own numbers of them. */
const entriesOf = (base: string, outside: Outside) => {
  const one = async (logIndex: number): Promise<Result<Listed>> => {
    const query = asking("GET", `${base}/entries?logIndex=${logIndex}`, MAX_ENTRY_ANSWER);
    const entry = read(await exchange(outside, query), "log entry", readListed);
    if (!entry.ok || entry.value.logIndex === logIndex) return entry;
    return fail("REKOR_RESPONSE", `the log gives entry ${entry.value.logIndex} for ${logIndex}`);
  };

  /** Those of up to ten at once that came; which did not come is for {@link one} to say. */
  const ten = async (logIndexes: readonly number[]): Promise<Result<Listed[]>> => {
    const query = asking("POST", `${base}/entries/retrieve`, MAX_ENTRIES_ANSWER, { logIndexes });
    const answer = await exchange(outside, query);
    if (!answer.ok && answer.error.code !== "FORMAT_SIZE") return answer;
    const several = read(answer, "log entries", (json) => json.items(PER_QUERY).map(readListed));
    return several.ok ? several : ok([]);
  };

  /** In the order of `indexes`, and fewer where there is no room for more. */
  const listed = async (indexes: readonly number[], held: Held): Promise<Result<Listed[]>> => {
    const came = await ten(indexes);
    if (!came.ok) return came;
    const entries: Listed[] = [];
    for (const index of indexes) {
      if (held.bytes > MAX_HELD && index !== held.first) break;
      const found = came.value.find(({ logIndex }) => logIndex === index);
      const entry = found === undefined ? await one(index) : ok(found);
      if (!entry.ok) return entry;
      held.bytes += entry.value.body.length;
      entries.push(entry.value);
    }
    return ok(entries);
  };

  /** From `first` on, in waves of queries at once, until there are `count` or no room for more. */
  const many = async (first: number, count: number): Promise<Result<Listed[]>> => {
    const entries: Listed[] = [];
    const held: Held = { first, bytes: 0 };
    while (entries.length < count && held.bytes <= MAX_HELD) {
      const start = first + entries.length;
      const wave = queriesFor(start, Math.min(count - entries.length, PER_QUERY * CONCURRENCY));
      const answers = all(await Promise.all(wave.map((indexes) => listed(indexes, held))));
      if (!answers.ok) return answers;
      for (const [at, answer] of answers.value.entries()) {
        entries.push(...answer);
        // What comes behind one that was left out is asked for again.
        if (answer.length < (wave[at]?.length ?? 0)) return ok(entries);
      }
    }
    return ok(entries);
  };
  return { one, many };
};

/** Consecutive numbers from `start` on, in tens. */
const queriesFor = (start: number, count: number): number[][] =>
  Array.from({ length: Math.ceil(count / PER_QUERY) }, (_, at) => {
    const first = start + at * PER_QUERY;
    const length = Math.min(PER_QUERY, start + count - first);
    return Array.from({ length }, (_, place) => first + place);
  });

/** Reads a Rekor v1 log through its REST interface. */
export const rekorReaderAt = (url: string, outside: Outside): LogReader => {
  const base = `${url.replace(/\/+$/, "")}/api/v1/log`;
  const { one, many } = entriesOf(base, outside);
  return {
    trees: async () => read(await exchange(outside, asking("GET", base)), "log", readTrees),
    consistency: async (tree, older, newer) => {
      const query = `firstSize=${older}&lastSize=${newer}&treeID=${tree.id}`;
      const answer = await exchange(outside, asking("GET", `${base}/proof?${query}`));
      return read(answer, "proof", readHashes);
    },
    edge: async (tree, count) => {
      if (count === 0) return ok([]);
      const last = await one(tree.offset + count - 1);
      if (!last.ok) return last;
      const range = rangeOf(count - 1, last.value);
      return range.ok ? ok(range.value.hashes) : range;
    },
    entries: async (tree, from, size) => {
      const entries = await many(tree.offset + from, Math.min(BATCH, size - from));
      if (!entries.ok) return entries;
      return ok(
        entries.value.map(({ body, logIndex, integratedTime = 0 }) => ({
          ...{ index: logIndex - tree.offset, body, integratedTime },
        })),
      );
    },
  };
};

/** The leaves up to this one: those before it from its proof, and itself. */
const rangeOf = (index: number, { body, proof }: Listed): Result<CompactRange> => {
  const before = rangeBefore(index, proof.size, proof.hashes);
  return before.ok ? ok(appendLeaf(before.value, leafHash(body))) : before;
};

const asking = (
  method: "GET" | "POST",
  url: string,
  maxBytes = MAX_ANSWER,
  body?: unknown,
): HttpRequest => ({
  method,
  url,
  headers: { accept: "application/json", "content-type": "application/json" },
  ...(body === undefined ? {} : { body: () => JSON.stringify(body) }),
  maxBytes,
  service: "transparency log",
});

const read = <T>(
  answer: Result<HttpResponse>,
  what: string,
  shape: (json: Json) => T,
): Result<T> => {
  if (!answer.ok) return answer;
  const { status, url, body } = answer.value;
  const where = `the log at ${shownUrl(url)}`;
  if (status === 404) return fail("MONITOR_GAP", `${where} has no such ${what} (404)`);
  if (status !== 200) return fail("REKOR_REFUSED", `${where}: ${refusalOf(answer.value)}`);
  const json = parseJson(body, MAX_ENTRY_ANSWER, what);
  if (!json.ok) return fail("REKOR_RESPONSE", `${where}: ${json.error.message}`);
  return readJson(json.value, "REKOR_RESPONSE", what, shape);
};
