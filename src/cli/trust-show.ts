import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { Authority, LogKey, TrustedRoot, Validity } from "../formats/trusted-root.ts";
import { visible } from "../formats/visible.ts";
import { paint, type Terminal } from "./terminal.ts";
import type { Trust } from "./trust.ts";

/** One that is trusted: what for, its name, since and until when, and by which key. */
type Shown = {
  readonly kind: string;
  readonly uri: string;
  readonly from: string;
  /** Absent where no end is set. */
  readonly until?: string;
  readonly ended: boolean;
  /** SHA-256 of the key, or of the certificate that the chain ends with; hexadecimal. */
  readonly sha256: string;
};

const window = ({ start, end }: Validity, now: number) => ({
  from: rfc3339(start),
  ...(end === undefined ? {} : { until: rfc3339(end) }),
  ended: end !== undefined && end < now,
});

/** An authority ends with the first of its certificates, if nothing ends it before. */
const authority = (kind: string, { uri, chain, validity }: Authority, now: number): Shown => {
  const ends = chain.map(({ notAfter }) => notAfter);
  const end = Math.min(...ends, validity.end ?? Number.POSITIVE_INFINITY);
  const root = chain.at(-1)?.der ?? new Uint8Array();
  return { kind, uri, ...window({ ...validity, end }, now), sha256: hex(sha256(root)) };
};

const log = (kind: string, { baseUrl, publicKey, validity }: LogKey, now: number): Shown => ({
  kind,
  uri: baseUrl,
  ...window(validity, now),
  sha256: hex(publicKey.keyId),
});

const trusted = (root: TrustedRoot, now: number): Shown[] => [
  ...root.certificateAuthorities.map((each) => authority("certificate authority", each, now)),
  ...root.ctlogs.map((each) => log("certificate log", each, now)),
  ...root.tlogs.map((each) => log("transparency log", each, now)),
  ...root.timestampAuthorities.map((each) => authority("timestamp authority", each, now)),
];

/** Prints whom `trust` trusts, or the one JSON document about it. */
export const showTrust = (terminal: Terminal, trust: Trust, now: number, json: boolean): void => {
  const shown = trusted(trust.root, now);
  const { tuf } = trust;
  const repository = tuf && {
    mirror: tuf.mirror,
    rootVersion: tuf.rootVersion,
    refreshedAt: tuf.refreshedAt === undefined ? null : rfc3339(tuf.refreshedAt),
    expires: rfc3339(tuf.expires),
    ended: tuf.expires <= now,
  };
  if (json) {
    const document = { ok: true, from: trust.from, tuf: repository ?? null, trusted: shown };
    terminal.out(JSON.stringify(document, null, 2));
    return;
  }
  terminal.out(
    [...headLines(trust, now), ...shown.flatMap((each) => lines(terminal, each))].join("\n"),
  );
};

const headLines = ({ from, tuf }: Trust, now: number): string[] => {
  if (tuf === undefined) return [`trust: ${visible(from)}`];
  const { mirror, rootVersion, expires, refreshedAt } = tuf;
  const when = `root version ${rootVersion}, ${expires <= now ? "ended" : "ends"} ${rfc3339(expires)}`;
  return [
    `trust: ${visible(from)}`,
    `TUF:   ${visible(mirror)}, ${when}`,
    `       last refreshed: ${refreshedAt === undefined ? "never" : rfc3339(refreshedAt)}`,
  ];
};

const lines = (terminal: Terminal, { kind, uri, from, until, ended, sha256 }: Shown): string[] => {
  const span = until === undefined ? `since ${from}` : `${from} to ${until}`;
  const state = ended ? paint(terminal, "yellow", " (ended)") : "";
  return [`${kind}  ${visible(uri) || "(unnamed)"}${state}`, `  ${span}`, `  sha256:${sha256}`];
};
