import {
  Metadata,
  MetadataKind,
  MetaFile,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from "@tufjs/models";
import { digest } from "../crypto/hash.ts";
import type { PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { type TufKeys, tufKey } from "./tuf-keys.ts";

/** A document of the repository: what it says, and the bytes that are served. */
export type TufDocument<T extends Root | Targets | Snapshot | Timestamp> = {
  readonly metadata: Metadata<T>;
  readonly bytes: Uint8Array;
};

/** What every role's document states of itself; `expires` in milliseconds since 1970. */
type Stated = { readonly version: number; readonly expires: number };

/** A file that the repository vouches for; `custom` is what older Sigstore clients select by. */
export type TufTarget = { readonly content: Uint8Array; readonly custom?: TufCustom };

type TufCustom = {
  readonly sigstore: {
    readonly status: "Active" | "Expired";
    readonly usage: "Fulcio" | "CTFE" | "Rekor";
    readonly uri: string;
  };
};

/** The version of the specification as Sigstore's own root names it: older clients compare it. */
const SPEC_VERSION = "1.0";

/** Root and targets need two signatures: one stolen key is not enough. */
const THRESHOLDS = { root: 2, targets: 2, snapshot: 1, timestamp: 1 } as const;

const common = ({ version, expires }: Stated) => ({
  version,
  specVersion: SPEC_VERSION,
  // TUF wants whole seconds.
  expires: rfc3339(Math.floor(expires / 1000) * 1000),
});

const signed = <T extends Root | Targets | Snapshot | Timestamp>(
  content: T,
  keys: readonly PrivateKey[],
): TufDocument<T> => {
  const metadata = new Metadata(content);
  for (const key of keys) {
    const { keyID } = tufKey(key.publicKey);
    metadata.sign(
      (bytes) => new Signature({ keyID, sig: hex(sign(key, "sha256", new Uint8Array(bytes))) }),
    );
  }
  return { metadata, bytes: utf8(`${JSON.stringify(metadata.toJSON(), null, 2)}\n`) };
};

/**
 * A root that names `keys`, signed by them and by the root keys before them, so that who trusts
 * the old root can go on to this one (TUF specification §6.1).
 */
export const signRoot = (
  stated: Stated,
  keys: TufKeys,
  previous: readonly PrivateKey[],
): TufDocument<Root> => {
  const { version, specVersion, expires } = common(stated);
  const all = Object.entries(keys) as [keyof TufKeys, readonly PrivateKey[]][];
  const named = all.map(([role, signers]) => ({
    role,
    keys: signers.map(({ publicKey }) => tufKey(publicKey)),
  }));
  const root = Root.fromJSON({
    version,
    spec_version: specVersion,
    expires,
    consistent_snapshot: true,
    keys: Object.fromEntries(
      named.flatMap((each) => each.keys.map((key) => [key.keyID, key.toJSON()])),
    ),
    roles: Object.fromEntries(
      named.map((each) => {
        const keyids = each.keys.map(({ keyID }) => keyID);
        return [each.role, { keyids, threshold: THRESHOLDS[each.role] }];
      }),
    ),
  });
  return signed(root, [...previous, ...keys.root]);
};

const hashesOf = (bytes: Uint8Array) => ({
  sha256: hex(digest("sha256", bytes)),
  sha512: hex(digest("sha512", bytes)),
});

export const signTargets = (
  stated: Stated,
  targets: ReadonlyMap<string, TufTarget>,
  keys: readonly PrivateKey[],
): TufDocument<Targets> => {
  const content = new Targets({ ...common(stated), targets: {} });
  for (const [path, target] of targets) content.addTarget(targetFile(path, target));
  return signed(content, keys);
};

export const targetFile = (path: string, { content, custom }: TufTarget): TargetFile =>
  new TargetFile({
    path,
    length: content.length,
    hashes: hashesOf(content),
    ...(custom === undefined ? {} : { unrecognizedFields: { custom } }),
  });

const metaFile = (version: number, bytes: Uint8Array): MetaFile =>
  new MetaFile({ version, length: bytes.length, hashes: hashesOf(bytes) });

export const signSnapshot = (
  stated: Stated,
  targets: TufDocument<Targets>,
  keys: readonly PrivateKey[],
): TufDocument<Snapshot> => {
  const meta = { "targets.json": metaFile(targets.metadata.signed.version, targets.bytes) };
  return signed(new Snapshot({ ...common(stated), meta }), keys);
};

export const signTimestamp = (
  stated: Stated,
  snapshot: TufDocument<Snapshot>,
  keys: readonly PrivateKey[],
): TufDocument<Timestamp> => {
  const snapshotMeta = metaFile(snapshot.metadata.signed.version, snapshot.bytes);
  return signed(new Timestamp({ ...common(stated), snapshotMeta }), keys);
};

/** Reads a document of the given kind; `undefined` for bytes that are none. */
export const readTufDocument = {
  root: (bytes: Uint8Array) => read(bytes, (json) => Metadata.fromJSON(MetadataKind.Root, json)),
  targets: (bytes: Uint8Array) =>
    read(bytes, (json) => Metadata.fromJSON(MetadataKind.Targets, json)),
  snapshot: (bytes: Uint8Array) =>
    read(bytes, (json) => Metadata.fromJSON(MetadataKind.Snapshot, json)),
  timestamp: (bytes: Uint8Array) =>
    read(bytes, (json) => Metadata.fromJSON(MetadataKind.Timestamp, json)),
};

type Parsed = Parameters<typeof Metadata.fromJSON>[1];

const read = <T extends Root | Targets | Snapshot | Timestamp>(
  bytes: Uint8Array,
  parse: (json: Parsed) => Metadata<T>,
): TufDocument<T> | undefined => {
  try {
    return { metadata: parse(JSON.parse(new TextDecoder().decode(bytes))), bytes };
  } catch {
    return undefined;
  }
};

/** Whether `root` gives `document` its role, and enough of that role's keys signed it. */
export const isSignedUnder = (
  root: TufDocument<Root>,
  document: TufDocument<Root | Targets | Snapshot | Timestamp>,
): boolean => {
  try {
    root.metadata.verifyDelegate(document.metadata.signed.type, document.metadata);
    return true;
  } catch {
    return false;
  }
};
