import type { Code } from "./errors.ts";

/** The codes that end a command with exit code 2: usage or configuration. */
const USAGE_CODES: readonly Code[] = [
  "USAGE",
  "CONFIG",
  "IDENTITY_MISSING",
  "KIT_TRUST",
  "TOKEN_MISSING",
  "POLICY_FORMAT",
  "BUILD_PROJECT",
  "BUILD_PYTHON",
  "STATE_PASSWORD",
];

/** 1 refused, 2 usage or configuration, 3 a service could not be reached, 4 internal error. */
export const exitCodeOf = (code: Code): 1 | 2 | 3 | 4 => {
  if (USAGE_CODES.includes(code)) return 2;
  if (code === "NETWORK_UNREACHABLE" || code === "STATE_UNREACHABLE") return 3;
  return code === "INTERNAL" ? 4 : 1;
};
