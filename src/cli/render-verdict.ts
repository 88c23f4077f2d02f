import type { Failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import type { Check, Verdict } from "../verification/verdict.ts";
import { paint, type Terminal } from "./terminal.ts";

/** Verdicts over one file, as lines. */
export const showVerdicts = (terminal: Terminal, verdicts: readonly Verdict[]): void => {
  for (const verdict of verdicts) {
    if (verdict.verified) showVerified(terminal, verdict);
  }
};

const showVerified = (terminal: Terminal, verdict: Verdict & { verified: true }): void => {
  const { signer, binding, times, predicateType } = verdict;
  const who = signer.kind === "certificate" ? signer.san : `key ${signer.keyId}`;
  terminal.out(`${paint(terminal, "green", "verified")} ${binding}, signed by ${visible(who)}`);
  if (signer.kind === "certificate") terminal.out(`         issuer ${visible(signer.issuer)}`);
  for (const time of times) terminal.out(`         at ${time}`);
  if (predicateType !== undefined) terminal.out(`         states ${visible(predicateType)}`);
  if (binding === "bytes-only") {
    terminal.out("         note: the content is proven; the file's name and release are not");
  }
};

/** The JSON document for verdicts over one file. */
export const verdictsDocument = (
  verdicts: readonly Verdict[],
  failed: Failure | undefined,
): string =>
  JSON.stringify({ ok: failed === undefined, ...(failed && { error: failed }), verdicts }, null, 2);

/** One character for what a check came to. */
export const checkMark = (terminal: Terminal, { status }: Check): string => {
  switch (status) {
    case "passed":
      return paint(terminal, "green", "✓");
    case "failed":
      return paint(terminal, "red", "✗");
    case "absent":
      return paint(terminal, "dim", "-");
    default:
      return status satisfies never;
  }
};
