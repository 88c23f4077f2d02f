import type { ReleaseVerdict } from "./release.ts";

/**
 * The same verdict for who prints a line of it: without the checks, the log's proofs and the
 * statements of what verified, which are nearly all of it. A refusal stays whole.
 */
export const briefly = (verdict: ReleaseVerdict): ReleaseVerdict => {
  if (verdict.failure !== undefined) return verdict;
  const proofs = verdict.proofs.map((proof) => {
    if (!proof.verdict.verified) return proof;
    const { predicate: _, ...rest } = proof.verdict;
    return { ...proof, verdict: { ...rest, logged: [], checks: [] } };
  });
  return { ...verdict, proofs };
};
