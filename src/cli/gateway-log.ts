import { pino } from "pino";
import type { GatewayConfig } from "../consumer/gateway-config.ts";
import type { LogLine } from "../consumer/gateway-world.ts";
import { rfc3339 } from "../formats/rfc3339.ts";

/** Fields that no line has; if one ever did, its value would not get out. */
const SECRETS = ["authorization", "password", "token", "cookie"];

/**
 * The gateway's log: pino's JSON lines, with the level and the time in words. Each is written
 * before the next thing happens, so none is lost when the process ends.
 *
 * @param now - milliseconds since 1970
 * @param write - takes one line, without its end
 */
export const openGatewayLog = (
  level: GatewayConfig["logLevel"],
  now: () => number,
  write: (line: string) => void,
): ((line: LogLine) => void) => {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${rfc3339(now())}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: SECRETS,
    },
    { write: (line) => write(line.trimEnd()) },
  );
  return ({ level: at, ...fields }) => logger[at](fields);
};
