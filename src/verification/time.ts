import type { Certificate } from "../formats/certificate.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { LogKey } from "../formats/trusted-root.ts";
import { absent, type Finding, passed, refused } from "./finding.ts";
import type { VerifiedTime } from "./timestamp.ts";
import { covers, describeWindow } from "./window.ts";

/** How far another clock may be ahead of ours, in milliseconds. */
const SKEW = 5 * 60 * 1000;

type Window = { readonly notBefore: number; readonly notAfter: number };

const outside = ({ notBefore, notAfter }: Window, { at }: VerifiedTime): boolean =>
  at < notBefore || at > notAfter;

/** The certificate's life, or all time for a managed key. */
const windowOf = (certificate: Certificate | undefined): Window =>
  certificate ?? { notBefore: 0, notAfter: Number.POSITIVE_INFINITY };

const codeOf = ({ by }: VerifiedTime) => (by === "log" ? "TLOG_TIME" : "TIME_WINDOW");

/** A log that an entry is of, and the time that it promised, where it did. */
export type TimedLog = { readonly log: LogKey; readonly time: VerifiedTime | undefined };

/**
 * A log that proves no time of its own must have been trusted at every time that is proven
 * otherwise, and now if none is: the time that an entry merely states says nothing.
 */
const unfitLog = (
  logs: readonly TimedLog[],
  times: readonly VerifiedTime[],
): { readonly log: LogKey; readonly at: number } | undefined => {
  for (const { log, time } of logs) {
    if (time !== undefined) continue;
    const outside = times.find(({ at }) => !covers(log.validity, at));
    if (outside !== undefined) return { log, at: outside.at };
  }
  return undefined;
};

/**
 * Judges the proven times: there is one at least for a certificate, every one lies in its life
 * and not in the future, and every log's key was valid.
 *
 * @param certificate - absent for a managed key, which has no life and needs no time
 * @param now - milliseconds since 1970
 * @returns `TIME_MISSING`, `TLOG_TIME`, `TIME_WINDOW`
 */
export const checkTimes = (
  certificate: Certificate | undefined,
  times: readonly VerifiedTime[],
  logs: readonly TimedLog[],
  now: number,
): Finding<readonly number[]> => {
  if (times.length === 0 && certificate !== undefined) {
    return refused("time", "TIME_MISSING", "no promise of a log and no timestamp proves a time");
  }
  const life = windowOf(certificate);
  const wrong = times.find((time) => outside(life, time));
  if (wrong !== undefined) {
    const actual = rfc3339(wrong.at);
    const expected = `${rfc3339(life.notBefore)} to ${rfc3339(life.notAfter)}`;
    const message = `the signature was made at ${actual}, outside the certificate's ${expected}`;
    return refused("time", codeOf(wrong), message, { expected, actual });
  }
  // Written so that a clock that gives no number finds every time in the future.
  const future = times.find(({ at }) => !(at <= now + SKEW));
  if (future !== undefined) {
    const [expected, actual] = [`at most ${rfc3339(now + SKEW)}`, rfc3339(future.at)];
    const message = `the signature was made in the future, at ${actual}`;
    return refused("time", codeOf(future), message, { expected, actual });
  }
  // Where nothing says when it was, a log that was trusted only before may have signed after.
  const judged = times.length === 0 ? [{ at: now, by: "log" } as const] : times;
  const unfit = unfitLog(logs, judged);
  if (unfit !== undefined) {
    const [expected, actual] = [describeWindow(unfit.log.validity), rfc3339(unfit.at)];
    const message = `log ${unfit.log.baseUrl} was trusted ${expected}, not at ${actual}`;
    return refused("time", "TLOG_TIME", message, { expected, actual });
  }
  if (times.length === 0) {
    return absent("time", [], "a managed key needs no time, and none was proven");
  }
  const list = times.map(({ at }) => rfc3339(at)).join(", ");
  return passed(
    "time",
    times.map(({ at }) => at),
    `proven to exist at ${list}`,
  );
};
