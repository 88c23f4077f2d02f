import { type Command, refuse } from "./command.ts";
import { readSettings } from "./settings.ts";

const EVIDENCE_FLAGS = ["bundle", "signature", "certificate", "attestation", "key"];

/** `wheelseal verify [DIST|FILE…]`: of the two kinds, only the one that is asked for is loaded. */
export const verifyCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  if (EVIDENCE_FLAGS.some((flag) => flags[flag] !== undefined)) {
    const { verifyGiven } = await import("./verify-given.ts");
    return verifyGiven(invocation, settings.value);
  }
  const { verifyReleases } = await import("./verify-releases.ts");
  return verifyReleases(invocation, settings.value);
};
