import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { systemFiles } from "../clients/files.ts";
import type { Failure, Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { verifyFolder } from "../stages/3-verify.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { Policy } from "../verification/policy-format.ts";
import { type Expected, expectationOf, publicGoodRoot } from "./input.ts";

/** Whom to expect, for all files or by a policy for each package, and whom to trust. */
export type VerifyReleaseOptions = (
  | Expected
  | { readonly policy: Policy; readonly identity?: never; readonly key?: never }
) & {
  /** Whom to trust; {@link publicGoodRoot} where absent. */
  readonly trust?: TrustedRoot;
  /** Milliseconds since 1970; the system's clock where absent. */
  readonly now?: number;
};

/** The verdicts over every wheel and sdist of a folder. */
export type FolderVerdict = {
  /** At least one. */
  readonly verdicts: readonly ReleaseVerdict[];
  /** The first failure; absent only where every file is verified as a release. */
  readonly failure?: Failure | undefined;
};

/**
 * Verifies every wheel and sdist of a folder as a release, against the evidence beside them and
 * with no network: the archives themselves, signature, publish attestation, provenance, and the
 * build record where there is one. Look at `failure`: a value is not yet a success.
 *
 * @param folder - path of the folder, relative to the working folder
 * @returns `DIST_EMPTY` for a folder without distributions, `DIST_CHANGED`, `BUILD_RECORD`, the
 * FILE_ codes; a file that is refused is in the verdicts, with its own code
 */
export const verifyRelease = (
  folder: string,
  options: VerifyReleaseOptions,
): Promise<Result<FolderVerdict>> => {
  const expect =
    "policy" in options && options.policy !== undefined
      ? { kind: "policy" as const, policy: options.policy, from: "the policy", sha256: "" }
      : expectationOf(options as Expected);
  const { now } = options;
  return verifyFolder({
    folder: resolve(folder),
    expect,
    trust: options.trust ?? publicGoodRoot(),
    files: systemFiles,
    inspect: inspectDistribution,
    now: () => now ?? Date.now(),
    report: () => undefined,
  });
};
