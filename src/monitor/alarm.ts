import { sha256 } from "../crypto/hash.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { type Code, HINTS } from "../formats/errors.ts";
import { rfc3339 } from "../formats/rfc3339.ts";

/** The log that an alarm is about. */
export type AlarmLog = {
  readonly url: string;
  readonly api: 1 | 2;
  /** The first line of the tree's checkpoints; empty where none could be opened. */
  readonly origin: string;
};

/** An entry of a log that one of my identities signed; raw values, to be escaped where shown. */
export type SignedEntry = {
  /** The log's own number of it. */
  readonly index: number;
  /** Lower-case hex, as all digests here. */
  readonly leafHash: string;
  /** `hashedrekord 0.0.1` and the like; absent where the entry cannot be read. */
  readonly kind?: string;
  /** What was signed, `sha256:HEX` and the like: an artifact, or an envelope's payload or PAE. */
  readonly digest?: string;
  readonly certificate: {
    /** Of its DER. */
    readonly sha256: string;
    readonly pem: string;
    readonly san: string;
    readonly issuer: string;
    /** Fulcio's extensions 1.3.6.1.4.1.57264.1.N by N. */
    readonly claims: Readonly<Record<string, string>>;
    /** RFC 3339. */
    readonly notBefore: string;
  };
  /** RFC 3339, where the log states a time; nothing proves it. */
  readonly integratedTime?: string;
};

/** What the log said, kept as proof: signed notes as they came, hashes in lower-case hex. */
export type AlarmProof = {
  readonly kept?: string;
  readonly offered?: string;
  readonly consistency?: readonly string[];
};

/** Something that somebody must look at. */
export type Alarm = {
  /**
   * Lower-case hex. Of an entry always the same; what a log does has another each time that it
   * begins again.
   */
  readonly id: string;
  readonly code: Code;
  readonly message: string;
  readonly hint: string;
  /** RFC 3339: when it was first seen. */
  readonly at: string;
  readonly log: AlarmLog;
  readonly entry?: SignedEntry;
  readonly proof?: AlarmProof;
};

/** What an alarm says, before it has a time. */
export type Cause = Pick<Alarm, "code" | "message" | "log" | "entry" | "proof"> & {
  /** Tells it from other events of its code in its log. */
  readonly event: string;
};

/** An alarm on its way: told once it is due, and until somebody was told. */
export type PendingAlarm = {
  readonly alarm: Alarm;
  /** The same for the same event, however often it is seen: lower-case hex. */
  readonly event: string;
  /** Milliseconds since 1970. */
  readonly due: number;
};

const digestOf = (...parts: readonly unknown[]): string => hex(sha256(utf8(JSON.stringify(parts))));

/**
 * @param now - milliseconds since 1970
 * @param grace - milliseconds until it is due
 */
export const alarmOf = ({ event: seen, ...cause }: Cause, now: number, grace = 0): PendingAlarm => {
  const { url, api, origin } = cause.log;
  const event = digestOf(cause.code, url, api, origin, seen);
  const at = rfc3339(now);
  const id = cause.entry === undefined ? digestOf(event, at) : event;
  return { alarm: { id, hint: HINTS[cause.code], at, ...cause }, event, due: now + grace };
};
