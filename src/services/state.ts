import { chmod, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import {
  exportPrivateKey,
  generateKey,
  importPrivateKey,
  type KeyAlgorithm,
  type PrivateKey,
} from "../crypto/keys.ts";
import { fromUtf8, hex, utf8 } from "../formats/bytes.ts";
import { parseJson, readJson } from "../formats/json.ts";
import { formatPem, parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { systemReason } from "../formats/system-error.ts";
import { lockState } from "./state-lock.ts";
import { disk, makeLastingFolder, type Storage } from "./storage.ts";

/** The local stack's folder: keys, certificates and settings that are made once and then kept. */
export type State = {
  readonly folder: string;
  /** The private key `name`, made at its first use; PKCS #8 in `<name>.key.pem`, mode 0600. */
  key(name: string, algorithm: KeyAlgorithm): Promise<Result<PrivateKey>>;
  /** The bytes in file `name`, made by `make` at the first use; mode 0600. */
  keep(name: string, make: () => Uint8Array): Promise<Result<Uint8Array>>;
  /** The bytes in a file that `keep` made, `undefined` where it made none. */
  kept(name: string): Promise<Result<Uint8Array | undefined>>;
  /** Replaces a file that is not kept for ever, atomically; mode 0600. */
  write(name: string, content: Uint8Array): Promise<Result<void>>;
  /** A file written by `write`; `undefined` where there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Removes a file written by `write`. */
  remove(name: string): Promise<void>;
  /** Gives the folder up. */
  close(): Promise<void>;
};

const MANIFEST = "state.json";
const MAX_FILE = 1024 * 1024;

/** Digests of the kept files, by file name. */
type Manifest = Map<string, string>;

/**
 * Opens or makes a state folder (mode 0700) and holds it until `close`.
 *
 * Fails with STATE_LOCKED while another process has it, STATE_CORRUPT where a kept file is gone or
 * altered: a key is never silently replaced, since whoever trusts the old one would be cut off.
 * FILE_UNWRITABLE where the folder cannot be made.
 */
export const openState = async (
  folder: string,
  storage: Storage = disk,
): Promise<Result<State>> => {
  try {
    await makeLastingFolder(storage, folder, dirname(folder));
    await chmod(folder, 0o700);
  } catch (error) {
    return fail("FILE_UNWRITABLE", `${folder}: ${systemReason(error)}`);
  }
  const lock = await lockState(folder);
  if (!lock.ok) return lock;
  const manifest = await readManifest(folder);
  if (!manifest.ok) {
    await lock.value.release();
    return manifest;
  }
  const place = { folder, storage };
  const keep = keeper(place, manifest.value);
  return ok({
    folder,
    keep,
    kept: (name) => readKept(folder, name, manifest.value),
    key: (name, algorithm) => keepKey(keep, name, algorithm),
    write: (name, content) => replaceFile(place, name, content),
    read: (name) => readIfThere(join(folder, name)),
    remove: (name) => storage.remove(join(folder, name)),
    close: () => lock.value.release(),
  });
};

const readIfThere = async (path: string): Promise<Uint8Array | undefined> => {
  try {
    const { size } = await stat(path);
    return size > MAX_FILE ? undefined : new Uint8Array(await readFile(path));
  } catch {
    return undefined;
  }
};

type Place = { readonly folder: string; readonly storage: Storage };

/** Through a temporary file, flushed with its folder: a reader sees the old content or the new. */
export const replaceFile = async (
  { folder, storage }: Place,
  name: string,
  content: Uint8Array,
): Promise<Result<void>> => {
  const path = join(folder, name);
  const temporary = `${path}.tmp`;
  try {
    await makeLastingFolder(storage, dirname(path), folder);
    const file = await storage.open(temporary, "emptied");
    await file
      .write(content)
      .then(() => file.sync())
      .finally(() => file.close());
    await storage.rename(temporary, path);
    await storage.syncFolder(dirname(path));
    return ok(undefined);
  } catch (error) {
    return fail("FILE_UNWRITABLE", `${path}: ${systemReason(error)}`);
  }
};

const readManifest = async (folder: string): Promise<Result<Manifest>> => {
  const content = await readIfThere(join(folder, MANIFEST));
  if (content === undefined) return ok(new Map());
  const json = parseJson(content, MAX_FILE, MANIFEST);
  if (!json.ok) return fail("STATE_CORRUPT", `${join(folder, MANIFEST)}: ${json.error.message}`);
  return readJson(json.value, "STATE_CORRUPT", join(folder, MANIFEST), (manifest) => {
    if (manifest.field("version").integer() !== 1) manifest.refuse("has an unknown version");
    const kept = manifest.field("kept").members(1000);
    return new Map(kept.map(([name, digest]) => [name, digest.string()]));
  });
};

const writeManifest = (place: Place, manifest: Manifest): Promise<Result<void>> => {
  const document = { version: 1, kept: Object.fromEntries(manifest) };
  return replaceFile(place, MANIFEST, utf8(`${JSON.stringify(document, null, 2)}\n`));
};

type Keep = State["keep"];

const keeper = (place: Place, manifest: Manifest): Keep => {
  // After a failed write it is unknown which records the disk has, so nothing is told of them.
  let unsaved = false;
  const save = async (): Promise<Result<void>> => {
    const written = await writeManifest(place, manifest);
    unsaved = !written.ok;
    return written;
  };
  const work: Keep = async (name, make) => {
    const saved = unsaved ? await save() : ok(undefined);
    if (!saved.ok) return saved;
    const path = join(place.folder, name);
    const content = await readIfThere(path);
    const recorded = manifest.get(name);
    if (recorded !== undefined) return checkKept(path, content, recorded);
    // A file without a record is what a killed process left: it was never used for anything.
    const made = make();
    const written = await replaceFile(place, name, made);
    if (!written.ok) return written;
    manifest.set(name, hex(sha256(made)));
    const recordedNow = await save();
    return recordedNow.ok ? ok(made) : recordedNow;
  };
  let tail: Promise<unknown> = Promise.resolve();
  return (name, make) => {
    const next = tail.then(() => work(name, make));
    tail = next.catch(() => undefined);
    return next;
  };
};

/** A file without a record was never used for anything, so it is none. */
const readKept = async (
  folder: string,
  name: string,
  manifest: Manifest,
): Promise<Result<Uint8Array | undefined>> => {
  const recorded = manifest.get(name);
  if (recorded === undefined) return ok(undefined);
  const path = join(folder, name);
  return checkKept(path, await readIfThere(path), recorded);
};

const checkKept = async (
  path: string,
  content: Uint8Array | undefined,
  recorded: string,
): Promise<Result<Uint8Array>> => {
  if (content === undefined) return fail("STATE_CORRUPT", `${path} is gone`);
  if (hex(sha256(content)) !== recorded) return fail("STATE_CORRUPT", `${path} was changed`);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0 && process.platform !== "win32") {
    const shown = (mode & 0o777).toString(8);
    return fail("STATE_CORRUPT", `${path} has mode ${shown}, so others can read or change it`);
  }
  return ok(content);
};

const keepKey = async (
  keep: Keep,
  name: string,
  algorithm: KeyAlgorithm,
): Promise<Result<PrivateKey>> => {
  const file = `${name}.key.pem`;
  const kept = await keep(file, () =>
    utf8(formatPem("PRIVATE KEY", exportPrivateKey(generateKey(algorithm)))),
  );
  if (!kept.ok) return kept;
  const text = fromUtf8(kept.value);
  const pkcs8 = text.ok ? parsePem(text.value, "PRIVATE KEY") : text;
  if (!pkcs8.ok) return fail("STATE_CORRUPT", `${file}: ${pkcs8.error.message}`);
  const [only, more] = pkcs8.value;
  if (only === undefined || more !== undefined)
    return fail("STATE_CORRUPT", `${file} is not one key`);
  const key = importPrivateKey(only);
  return key.algorithm === algorithm
    ? ok(key)
    : fail("STATE_CORRUPT", `${file} is a key of ${key.algorithm}, not ${algorithm}`);
};
