import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, equalVersions, type Version } from "../dists/version.ts";
import { type Failure, failure } from "../formats/result.ts";
import { type AttestationIdentity, describeIdentity, isStated } from "./attestation-identity.ts";
import type { Closure, ClosureEntry } from "./closure.ts";
import type { ClosureVerdict, EntryVerdict, FileVerdict } from "./closure-verdict.ts";

/** One difference between a lock and the one before it. */
export type AuditChange = {
  readonly kind:
    | "added"
    | "removed"
    | "upgraded"
    | "downgraded"
    | "replaced"
    | "file-added"
    | "publisher-new"
    | "publisher-changed"
    | "publisher-lost"
    | "publisher-unknown";
  readonly name: string;
  /** Versions, digests or publishers. */
  readonly from?: string;
  readonly to?: string;
  /** The file that was replaced or added. */
  readonly filename?: string;
  /** Where the change is refused: nobody answers for it. */
  readonly failure?: Failure;
};

/** Who signed the packages of the earlier lock, by name; absent where that is not known. */
export type EarlierPublishers = ReadonlyMap<NormalizedName, readonly AttestationIdentity[]>;

const byName = <T>(
  items: readonly T[],
  nameOf: (item: T) => NormalizedName,
): ReadonlyMap<NormalizedName, T[]> => {
  const groups = new Map<NormalizedName, T[]>();
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item]);
  return groups;
};

/** Whom an earlier lock states, for the packages of which it states anybody. */
export const statedPublishers = ({ entries }: Closure): EarlierPublishers => {
  const stated = new Map<NormalizedName, AttestationIdentity[]>();
  for (const { name, identities } of entries) {
    if (identities.length > 0) stated.set(name, [...(stated.get(name) ?? []), ...identities]);
  }
  return stated;
};

/** Whether a package has a version, or a file, that an earlier lock does not have. */
const isNews = (entry: ClosureEntry, before: Closure): boolean => {
  const old = before.entries.filter(({ name }) => name === entry.name);
  return (
    !old.some(({ version }) => equalVersions(version, entry.version)) ||
    lateIn(entry, old).length > 0
  );
};

/**
 * The packages whose publishers an earlier lock does not state, and of which there is a version or
 * a file now that it did not have: only verifying their files again tells who signed those.
 */
export const unstatedBefore = (before: Closure, now: Closure): ClosureEntry[] => {
  const stated = statedPublishers(before);
  const news = new Set(now.entries.filter((one) => isNews(one, before)).map(({ name }) => name));
  return before.entries.filter(({ name }) => news.has(name) && !stated.has(name));
};

const hasFailed = ({ files }: EntryVerdict): boolean =>
  files.some(({ failure: failed }) => failed !== undefined);

/** The publishers that verifying those gave; a package of which nothing is signed has none. */
export const verifiedPublishers = ({ entries }: ClosureVerdict): EarlierPublishers => {
  const found = new Map<NormalizedName, AttestationIdentity[]>();
  for (const verdict of entries) {
    if (hasFailed(verdict)) continue;
    const { name } = verdict.entry;
    const identities = verdict.files.flatMap(({ identity }) => identity ?? []);
    found.set(name, [...(found.get(name) ?? []), ...identities]);
  }
  return found;
};

/** The packages whose files of then cannot be had or verified any more: nothing was compared. */
export const unknownPublishers = ({ entries }: ClosureVerdict): AuditChange[] =>
  entries.filter(hasFailed).map(({ entry: { name, version } }) => ({
    kind: "publisher-unknown",
    name,
    from: version,
  }));

/** Packages and versions that came and went. */
export const versionChanges = (before: Closure, now: Closure): AuditChange[] => {
  const old = byName(before.entries, ({ name }) => name);
  const fresh = byName(now.entries, ({ name }) => name);
  const names = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return names.flatMap((name) => changesOf(name, old.get(name) ?? [], fresh.get(name) ?? []));
};

const changesOf = (
  name: NormalizedName,
  old: readonly ClosureEntry[],
  fresh: readonly ClosureEntry[],
): AuditChange[] => {
  const lacks = (entries: readonly ClosureEntry[], version: Version): boolean =>
    !entries.some((one) => equalVersions(one.version, version));
  const gone = old.filter(({ version }) => lacks(fresh, version));
  const come = fresh.filter(({ version }) => lacks(old, version));
  const replaced = fresh.flatMap((entry) => [...replacedIn(entry, old), ...lateIn(entry, old)]);
  const [from, to] = [gone[0]?.version, come[0]?.version];
  if (gone.length === 1 && come.length === 1 && from !== undefined && to !== undefined) {
    const kind = compareVersions(to, from) > 0 ? "upgraded" : "downgraded";
    return [{ kind, name, from, to }, ...replaced];
  }
  return [
    ...gone.map(({ version }) => ({ kind: "removed" as const, name, from: version })),
    ...come.map(({ version }) => ({ kind: "added" as const, name, to: version })),
    ...replaced,
  ];
};

/** A file of the same name that is not the same file. */
const replacedIn = (entry: ClosureEntry, old: readonly ClosureEntry[]): AuditChange[] =>
  entry.files.flatMap(({ filename, sha256 }) => {
    const before = old.flatMap(({ files }) => files).find((file) => file.filename === filename);
    if (before === undefined || before.sha256 === sha256) return [];
    const message = `${filename} was ${before.sha256} in the earlier lock, and is ${sha256} now`;
    return [
      {
        kind: "replaced",
        name: entry.name,
        filename,
        from: before.sha256,
        to: sha256,
        failure: failure("LOCK_DIGEST", message),
      },
    ];
  });

/** Files that came to a release after it was locked: an honest one has them all from the start. */
const lateIn = (entry: ClosureEntry, old: readonly ClosureEntry[]): AuditChange[] => {
  const before = old.find(({ version }) => equalVersions(version, entry.version));
  if (before === undefined) return [];
  const { name } = entry;
  const files = entry.files.filter(
    ({ filename }) => !before.files.some((file) => file.filename === filename),
  );
  const digests = entry.digests.filter((digest) => !before.digests.includes(digest));
  // A lock of another format states the same in other words.
  return [
    ...(before.files.length === 0 ? [] : files).map(({ filename, sha256 }) => ({
      kind: "file-added" as const,
      ...{ name, filename, to: sha256 },
    })),
    ...(before.digests.length === 0 ? [] : digests).map((to) => ({
      kind: "file-added" as const,
      ...{ name, to },
    })),
  ];
};

const said = (identities: readonly AttestationIdentity[]): string =>
  [...new Set(identities.map(describeIdentity))].sort().join(" and ");

/** Whether somebody answers for a new publisher: the policy or the caller names who may sign. */
const isNamed = ({ demanded }: FileVerdict): boolean =>
  demanded === "policy" || demanded === "caller";

/**
 * How the publishers changed. Another one than before is refused (LOCK_IDENTITY) unless the policy
 * or the caller names who signs; so is a package that was signed and is no more
 * (LOCK_ATTESTATION_LOST), unless the policy pins its files.
 */
export const publisherChanges = (
  before: EarlierPublishers,
  { entries }: ClosureVerdict,
): AuditChange[] => {
  const fresh = byName(entries, ({ entry }) => entry.name);
  return [...fresh].flatMap(([name, verdicts]) => {
    const old = before.get(name);
    return old === undefined ? [] : publisherChange(name, old, verdicts);
  });
};

const publisherChange = (
  name: NormalizedName,
  old: readonly AttestationIdentity[],
  verdicts: readonly EntryVerdict[],
): AuditChange[] => {
  const files = verdicts.flatMap((one) => one.files);
  // What was refused or could not be had is told as that.
  if (files.some(({ failure: failed }) => failed !== undefined)) return [];
  const to = said(files.flatMap(({ identity }) => identity ?? []));
  if (old.length === 0) return to === "" ? [] : [{ kind: "publisher-new", name, to }];
  // Of each version by itself: a signed one must not stand for another that nobody signed.
  const bare = verdicts.filter((one) => one.files.every(({ identity }) => identity === undefined));
  const unsigned = bare.flatMap((one) => one.files);
  const gone = unsigned.length === 0 ? [] : [lost(name, old, unsigned)];
  const others = files.filter(
    ({ signer }) => signer !== undefined && !old.some((one) => isStated(one, signer)),
  );
  if (others.length === 0 || to === "") return gone;
  const from = said(old);
  const message = `${name} was signed by ${from} before, and is by ${to} now`;
  const refused = others.every(isNamed) ? {} : { failure: failure("LOCK_IDENTITY", message) };
  return [...gone, { kind: "publisher-changed", name, from, to, ...refused }];
};

const lost = (
  name: NormalizedName,
  old: readonly AttestationIdentity[],
  files: readonly FileVerdict[],
): AuditChange => {
  const from = said(old);
  const message = `${name} was signed by ${from} before, and nobody vouches for it now`;
  const pinned = files.every(({ outcome }) => outcome === "pinned");
  const refused = pinned ? {} : { failure: failure("LOCK_ATTESTATION_LOST", message) };
  return { kind: "publisher-lost", name, from, ...refused };
};
