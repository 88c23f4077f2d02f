import { rfc3339 } from "../formats/rfc3339.ts";
import type { Validity } from "../formats/trusted-root.ts";

/** Whether a time (milliseconds) lies in a window, both ends included (protobuf-specs TimeRange). */
export const covers = ({ start, end }: Validity, time: number): boolean =>
  time >= start && (end === undefined || time <= end);

/** A window in words. */
export const describeWindow = ({ start, end }: Validity): string =>
  `${rfc3339(start)} to ${end === undefined ? "further notice" : rfc3339(end)}`;
