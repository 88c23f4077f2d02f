import type { TlogEntry } from "../formats/bundle.ts";
import { base64, hex, utf8 } from "../formats/bytes.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { exchange, type HttpRequest, type HttpResponse, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";

/** What is to be logged, before the log makes its canonical body of it. */
export type ProposedEntry =
  | {
      readonly kind: "hashedrekord";
      /** 32 raw bytes: the digest of the artifact. */
      readonly sha256: Uint8Array;
      /** DER of the signature over the artifact. */
      readonly signature: Uint8Array;
      /** PEM of the certificate or public key that verifies. */
      readonly verifier: string;
    }
  | {
      readonly kind: "dsse";
      /** The envelope as JSON text; the log hashes exactly this text. */
      readonly envelope: string;
      readonly verifier: string;
    };

/**
 * A transparency log that speaks Rekor v1. What it answers is only parsed here: whether an entry
 * is the one that was proposed, and is in the log, is for verification to say, and the log's keys
 * come from a trust root, never from the log.
 */
export type Rekor = {
  /**
   * Logs an entry; one that is there already is fetched instead, so that this may be repeated.
   * Fails with REKOR_REFUSED, REKOR_RESPONSE and what `exchange` fails with.
   */
  create(entry: ProposedEntry): Promise<Result<TlogEntry>>;
  /** The entry of this UUID (64 hexadecimal digits, or 80 with the tree's id in front). */
  entry(uuid: string): Promise<Result<TlogEntry>>;
  /** The entries equal to `entry` after the log's canonicalisation; none is no failure. */
  find(entry: ProposedEntry): Promise<Result<TlogEntry[]>>;
};

const MAX_ANSWER = 4 * 1024 * 1024;
const MAX_ENTRIES = 16;
const MAX_HASHES = 64;
const UUID = /^(?:[0-9a-f]{16})?[0-9a-f]{64}$/;

/** Rekor at a base URL, for example one whose entries are under `/api/v1/log/entries`. */
export const rekorAt = (url: string, outside: Outside): Rekor => {
  const base = `${url.replace(/\/+$/, "")}/api/v1/log/entries`;
  const entry = async (uuid: string) => {
    if (!UUID.test(uuid)) return fail("REKOR_RESPONSE", "the log entry's UUID is malformed");
    return one(await exchange(outside, asking("GET", `${base}/${uuid}`)));
  };
  return {
    entry,
    create: async (proposed) => {
      const answer = await exchange(outside, asking("POST", base, proposedJson(proposed)));
      if (!answer.ok || answer.value.status !== 409) return one(answer);
      const uuid = uuidOfConflict(answer.value);
      return uuid === undefined
        ? fail(
            "REKOR_RESPONSE",
            `the log at ${shownUrl(base)} has the entry but does not say where`,
          )
        : entry(uuid);
    },
    find: async (proposed) => {
      const query = { entries: [proposedJson(proposed)] };
      const answer = await exchange(outside, asking("POST", `${base}/retrieve`, query));
      return several(answer);
    },
  };
};

const asking = (method: "GET" | "POST", url: string, body?: unknown): HttpRequest => ({
  method,
  url,
  headers: { accept: "application/json", "content-type": "application/json" },
  ...(body === undefined ? {} : { body: () => JSON.stringify(body) }),
  maxBytes: MAX_ANSWER,
  service: "transparency log",
});

/** The request bodies of Rekor's kinds hashedrekord 0.0.1 and dsse 0.0.1. */
const proposedJson = (entry: ProposedEntry) => {
  const verifier = base64(utf8(entry.verifier));
  switch (entry.kind) {
    case "hashedrekord":
      return {
        apiVersion: "0.0.1",
        kind: "hashedrekord",
        spec: {
          data: { hash: { algorithm: "sha256", value: hex(entry.sha256) } },
          signature: { content: base64(entry.signature), publicKey: { content: verifier } },
        },
      };
    case "dsse":
      return {
        apiVersion: "0.0.1",
        kind: "dsse",
        spec: { proposedContent: { envelope: entry.envelope, verifiers: [verifier] } },
      };
    default:
      return entry satisfies never;
  }
};

/** Only the UUID is taken from the answer, so that it cannot lead to another host. */
const uuidOfConflict = (response: HttpResponse): string | undefined => {
  const last = response.headers.get("location")?.split("/").at(-1) ?? "";
  if (UUID.test(last)) return last;
  return /\b(?:[0-9a-f]{16})?[0-9a-f]{64}\b/.exec(refusalOf(response))?.[0];
};

/** The parsed JSON of an answer of status 200 or 201. */
const accepted = (answer: Result<HttpResponse>): Result<unknown> => {
  if (!answer.ok) return answer;
  const { status, url, body } = answer.value;
  if (status === 200 || status === 201) return parseJson(body, MAX_ANSWER, "log entry");
  const where = `the log at ${shownUrl(url)}`;
  if (status === 404) return fail("REKOR_RESPONSE", `${where} does not have the entry (404)`);
  return fail("REKOR_REFUSED", `${where}: ${refusalOf(answer.value)}`);
};

const asRekorFailure = (result: Result<unknown>): Result<unknown> =>
  !result.ok && result.error.code.startsWith("FORMAT_")
    ? fail("REKOR_RESPONSE", result.error.message)
    : result;

const one = (answer: Result<HttpResponse>): Result<TlogEntry> => {
  const parsed = asRekorFailure(accepted(answer));
  return parsed.ok ? parseLogEntry(parsed.value) : parsed;
};

const several = (answer: Result<HttpResponse>): Result<TlogEntry[]> => {
  if (answer.ok && answer.value.status === 404) return ok([]);
  const parsed = asRekorFailure(accepted(answer));
  if (!parsed.ok) return parsed;
  const items = readJson(parsed.value, "REKOR_RESPONSE", "log entries", (json) =>
    json.items(MAX_ENTRIES).map((item) => item.value),
  );
  return items.ok ? all(items.value.map(parseLogEntry)) : items;
};

/** Reads Rekor's LogEntry: an object of one member, named by the entry's UUID. */
const parseLogEntry = (value: unknown): Result<TlogEntry> =>
  readJson(value, "REKOR_RESPONSE", "log entry", (json) => {
    const [first] = json.members(1);
    if (first === undefined) return json.refuse("is empty");
    const [uuid, entry] = first;
    if (!UUID.test(uuid)) return json.refuse("has a malformed UUID");
    return readEntry(entry);
  });

const readEntry = (entry: Json): TlogEntry => {
  const body = entry.field("body").base64();
  const verification = entry.field("verification");
  const proof = verification.optional("inclusionProof");
  return {
    ...readKind(entry, body),
    logIndex: entry.field("logIndex").int64(),
    logId: entry.field("logID").hex(),
    integratedTime: entry.field("integratedTime").int64(),
    signedEntryTimestamp: verification.optional("signedEntryTimestamp")?.base64(),
    inclusionProof: proof === undefined ? undefined : readProof(proof),
    canonicalizedBody: body,
  };
};

const readProof = (proof: Json): TlogEntry["inclusionProof"] => ({
  logIndex: proof.field("logIndex").int64(),
  rootHash: proof.field("rootHash").hex(),
  treeSize: proof.field("treeSize").int64(),
  hashes: (proof.optional("hashes")?.items(MAX_HASHES) ?? []).map((hash) => hash.hex()),
  checkpoint: proof.optional("checkpoint")?.string(),
});

/** A LogEntry names its kind and version only inside the body. */
const readKind = (entry: Json, bytes: Uint8Array): { kind: string; version: string } => {
  const body = entry.take(parseJson(bytes, MAX_ANSWER, "body"));
  return entry.take(
    readJson(body, "REKOR_RESPONSE", "body", (json) => ({
      kind: json.field("kind").string(),
      version: json.field("apiVersion").string(),
    })),
  );
};
