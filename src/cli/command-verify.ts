import { type Command, refuse } from "./command.ts";
import { readSettings } from "./settings.ts";
import { verifyGiven } from "./verify-given.ts";

const EVIDENCE_FLAGS = ["bundle", "signature", "certificate", "attestation", "key"];

/** `wheelseal verify [DIST|FILE…]` */
export const verifyCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  if (EVIDENCE_FLAGS.some((flag) => flags[flag] !== undefined)) {
    return verifyGiven(invocation, settings.value);
  }
  const { verifyReleases } = await import("./verify-releases.ts");
  return verifyReleases(invocation, settings.value);
};
