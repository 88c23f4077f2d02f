import { isDeepStrictEqual } from "node:util";
import { patch } from "@decimalturn/toml-patch";
import { parse, stringify } from "smol-toml";
import { parseName } from "../dists/name.ts";
import { equalVersions, parseVersion } from "../dists/version.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { type AttestationIdentity, describeIdentity, isStated } from "./attestation-identity.ts";
import type { ClosureEntry } from "./closure.ts";
import type { ClosureVerdict, EntryVerdict, FileVerdict } from "./closure-verdict.ts";

/** An identity that verified and that a lock does not state yet. */
export type LockAddition = {
  readonly entry: ClosureEntry;
  readonly identity: AttestationIdentity;
};

const keyOf = ({ kind, fields }: AttestationIdentity): string =>
  JSON.stringify([kind, Object.entries(fields).sort()]);

const additionsOf = ({ entry, files }: EntryVerdict): LockAddition[] => {
  const additions = new Map<string, LockAddition>();
  for (const { signer, identity, failure: refused } of files) {
    if (signer === undefined || identity === undefined || refused !== undefined) continue;
    if (entry.identities.some((stated) => isStated(stated, signer))) continue;
    additions.set(keyOf(identity), { entry, identity });
  }
  return [...additions.values()];
};

/** What a lock does not state yet, in its order. */
export const missingIdentities = ({ entries }: ClosureVerdict): LockAddition[] =>
  entries.flatMap(additionsOf);

const isSettled = ({ outcome }: FileVerdict): boolean =>
  outcome === "verified" || outcome === "signed";

/**
 * What a lock states and no file of the package bears out, where each of them was verified: an
 * identity that nobody needs lets somebody else in later.
 * @returns LOCK_IDENTITY for the first
 */
export const unprovenIdentity = ({ entries }: ClosureVerdict): Failure | undefined => {
  for (const { entry, files } of entries) {
    if (files.length < entry.files.length || !files.every(isSettled)) continue;
    const unproven = entry.identities.find(
      (stated) => !files.some(({ signer }) => signer !== undefined && isStated(stated, signer)),
    );
    if (unproven === undefined) continue;
    const who = [...new Set(files.flatMap(({ identity }) => identity ?? []).map(describeIdentity))];
    return failure(
      "LOCK_IDENTITY",
      `the lock states ${describeIdentity(unproven)} for ${entry.name} ${entry.version}, and its files are signed by ${who.join(" and ")}`,
    );
  }
  return undefined;
};

type Table = Record<string, unknown>;
type Document = Table & { packages?: Table[] };

const toTable = ({ kind, fields }: AttestationIdentity): Table => ({ kind, ...fields });

type ByName = ReadonlyMap<string, readonly LockAddition[]>;

/** The additions to a package as it stands in a document. */
const ownOf = ({ name, version }: Table, additions: ByName): readonly LockAddition[] => {
  const parsed = parseName(String(name));
  const named = parsed.ok ? (additions.get(parsed.value) ?? []) : [];
  const stated = version === undefined ? undefined : parseVersion(String(version));
  return named.filter(
    ({ entry }) =>
      stated === undefined || (stated.ok && equalVersions(stated.value, entry.version)),
  );
};

const withIdentities = (table: Table, additions: readonly LockAddition[]): void => {
  const before = table["attestation-identities"];
  const stated = Array.isArray(before) ? before : [];
  const added = additions.map(({ identity }) => toTable(identity));
  table["attestation-identities"] = [...stated, ...added];
};

/** Adds to the packages of a document; says whether there was anything to add. */
const addTo = (document: Document, additions: ByName): boolean => {
  let added = false;
  for (const table of document.packages ?? []) {
    const own = ownOf(table, additions);
    if (own.length > 0) withIdentities(table, own);
    added ||= own.length > 0;
  }
  return added;
};

/** Edits a lock, or a part of one. */
const edit = (text: string, additions: ByName): string => {
  const document = parse(text) as Document;
  return addTo(document, additions) ? patch(text, document, { bracketSpacing: true }) : text;
};

/** Where each `[[packages]]` begins: the editor takes long to read more than one at once. */
const HEADER = /^(?=[ \t]*\[\[[ \t]*packages[ \t]*\]\])/m;

/**
 * Part by part, then, should such a line stand in a text, as a whole.
 * The editor throws where it gives up.
 */
const ways: readonly ((text: string, additions: ByName) => string)[] = [
  (text, additions) =>
    text
      .split(HEADER)
      .map((part) => edit(part, additions))
      .join(""),
  edit,
];

const attempt = (edited: () => string, wanted: unknown): string | undefined => {
  try {
    const text = edited();
    return isDeepStrictEqual(parse(text), wanted) ? text : undefined;
  } catch {
    return undefined;
  }
};

/**
 * A pylock.toml with the identities added; every other character stays as it was.
 * @returns LOCK_FORMAT where the text cannot be edited so that it reads back as it should
 */
export const addIdentities = (text: string, additions: readonly LockAddition[]): Result<string> => {
  if (additions.length === 0) return ok(text);
  const byName = Map.groupBy(additions, ({ entry }) => entry.name);
  const document = parse(text) as Document;
  addTo(document, byName);
  const wanted = parse(stringify(document));
  for (const way of ways) {
    const edited = attempt(() => way(text, byName), wanted);
    if (edited !== undefined) return ok(edited);
  }
  return fail("LOCK_FORMAT", "the lock cannot be edited without changing something else");
};

const isWheel = (filename: string): boolean => filename.endsWith(".whl");

const fileTable = ({ filename, url, size, sha256 }: FileVerdict): Table => ({
  name: filename,
  ...(url === undefined ? {} : { url }),
  ...(size === undefined ? {} : { size }),
  hashes: { sha256 },
});

/** A pylock.toml of what was verified, for a lock in another format. */
export const formatPylock = ({ entries }: ClosureVerdict): string => {
  const packages = entries.map((verdict): Table => {
    const { entry, files } = verdict;
    const { name, version, marker, identities } = entry;
    const sdist = files.find(({ filename }) => !isWheel(filename));
    const wheels = files.filter(({ filename }) => isWheel(filename));
    const all = [...identities, ...additionsOf(verdict).map(({ identity }) => identity)];
    return {
      name,
      version,
      ...(marker === undefined ? {} : { marker }),
      ...(sdist === undefined ? {} : { sdist: fileTable(sdist) }),
      ...(wheels.length === 0 ? {} : { wheels: wheels.map(fileTable) }),
      ...(all.length === 0 ? {} : { "attestation-identities": all.map(toTable) }),
    };
  });
  return stringify({ "lock-version": "1.0", "created-by": "wheelseal", packages });
};
