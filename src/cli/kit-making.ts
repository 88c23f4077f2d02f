import { basename } from "node:path";
import type { KitTrust } from "../consumer/kit-manifest.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { Invocation } from "./command.ts";
import type { Trust } from "./trust.ts";

const DAY = 24 * 60 * 60 * 1000;
const MAX_DAYS = 3650;

/** Days as `90d`; milliseconds. */
export const readSpan = (text: string | boolean | undefined): Result<number> => {
  if (typeof text !== "string") return ok(90 * DAY);
  const days = Number(/^(\d{1,4})d$/.exec(text)?.[1] ?? 0);
  return days >= 1 && days <= MAX_DAYS
    ? ok(days * DAY)
    : fail("USAGE", `--valid-for must be days such as 90d, at most ${MAX_DAYS}d, not ${text}`);
};

/** When a kit is made; SOURCE_DATE_EPOCH makes the same kit again. */
export const kitTime = ({ terminal, outside }: Invocation): number => {
  const epoch = terminal.env.SOURCE_DATE_EPOCH ?? "";
  return /^\d{1,10}$/.test(epoch) ? Number(epoch) * 1000 : Math.floor(outside.now() / 1000) * 1000;
};

/** Where a trust root came from, without folders of this machine. */
export const describeTrust = ({ from, tuf }: Trust): KitTrust => ({
  from: from.includes("://") ? from : basename(from),
  ...(tuf === undefined
    ? {}
    : {
        tuf: {
          mirror: tuf.mirror,
          rootVersion: tuf.rootVersion,
          expires: rfc3339(tuf.expires),
        },
      }),
});
