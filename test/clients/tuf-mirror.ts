import { generateKey, type PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { fromUtf8, hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { listen } from "../../src/services/listener.ts";
import { type TufKeys, tufKey } from "../../src/services/tuf-keys.ts";
import {
  signRoot,
  signSnapshot,
  signTargets,
  signTimestamp,
  type TufTarget,
  targetFile,
} from "../../src/services/tuf-metadata.ts";

export const DAY = 24 * 3600_000;

export const newTufKeys = (): TufKeys => {
  const key = (): PrivateKey => generateKey("ecdsa-p256");
  const online = [key()];
  return { root: [key(), key()], targets: [key(), key()], snapshot: online, timestamp: online };
};

/** Canonical JSON as TUF signs it (OLPC): written here anew, so that a test can sign anything. */
const canonical = (value: unknown): string => {
  if (typeof value === "string") return `"${value.replace(/[\\"]/g, "\\$&")}"`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${canonical(name)}:${canonical(member)}`).join(",")}}`;
};

// biome-ignore lint/suspicious/noExplicitAny: the documents of an attacker have any shape
export type Loose = any;

/** Signs whatever `signed` is. */
export const signLoose = (signed: Loose, keys: readonly PrivateKey[]): Uint8Array => {
  const message = utf8(canonical(signed));
  const signatures = keys.map((key) => ({
    keyid: tufKey(key.publicKey).keyID,
    sig: hex(sign(key, "sha256", message)),
  }));
  return utf8(JSON.stringify({ signatures, signed }));
};

export const looseDocument = (bytes: Uint8Array | undefined): Loose =>
  JSON.parse(unwrap(fromUtf8(bytes ?? new Uint8Array())));

const TARGETS: ReadonlyMap<string, TufTarget> = new Map([
  ["trusted_root.json", { content: utf8('{"trusted":"root"}') }],
  ["signing_config.v0.2.json", { content: utf8('{"signing":"config"}') }],
]);

type Publication = {
  /** Of targets, snapshot and timestamp alike. */
  readonly version: number;
  readonly targets?: ReadonlyMap<string, TufTarget>;
  readonly keys?: TufKeys;
  /** Milliseconds from now; 10 days where absent. */
  readonly life?: Partial<Record<"targets" | "snapshot" | "timestamp", number>>;
};

/** A repository whose owner, or whoever took it over, may publish anything. */
export const openMirror = (rootLife = 100 * DAY) => {
  const keys = newTufKeys();
  const files = new Map<string, Uint8Array>();
  const firstRoot = signRoot({ version: 1, expires: Date.now() + rootLife }, keys, []).bytes;
  files.set("1.root.json", firstRoot);
  const publish = ({
    version,
    targets = TARGETS,
    keys: signers = keys,
    life = {},
  }: Publication) => {
    const ends = (role: keyof typeof life) => Date.now() + (life[role] ?? 10 * DAY);
    const targetsDocument = signTargets(
      { version, expires: ends("targets") },
      targets,
      signers.targets,
    );
    const snapshot = signSnapshot(
      { version, expires: ends("snapshot") },
      targetsDocument,
      signers.snapshot,
    );
    const stated = { version, expires: ends("timestamp") };
    const timestamp = signTimestamp(stated, snapshot, signers.timestamp);
    files.set(`${version}.targets.json`, targetsDocument.bytes);
    files.set(`${version}.snapshot.json`, snapshot.bytes);
    files.set("timestamp.json", timestamp.bytes);
    for (const [name, target] of targets) {
      files.set(`targets/${targetFile(name, target).hashes.sha256}.${name}`, target.content);
    }
  };
  publish({ version: 1 });
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    const path = String(input).replace("http://mirror.test/tuf/", "");
    asked.push(path);
    const bytes = files.get(path);
    return bytes === undefined
      ? new Response("nothing", { status: 404 })
      : new Response(new Uint8Array(bytes));
  };
  return { keys, files, firstRoot, publish, fetch, asked, targets: TARGETS };
};

/** Serves a mirror on a port, for clients that have a network of their own; gives its base URL. */
export const serveMirror = async ({ files }: Pick<Mirror, "files">) => {
  const listener = unwrap(await listen(0));
  listener.serve(async (request) => {
    const bytes = files.get(new URL(request.url).pathname.slice("/tuf/".length));
    return bytes === undefined
      ? new Response("nothing", { status: 404 })
      : new Response(new Uint8Array(bytes));
  });
  return { base: `http://127.0.0.1:${listener.port}/tuf`, close: () => listener.close() };
};

export type Mirror = ReturnType<typeof openMirror>;
