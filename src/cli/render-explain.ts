import { visible } from "../formats/visible.ts";
import { PROOFS, type Proof, type ProofKind, type ReleaseVerdict } from "../stages/release.ts";
import type { Check, Verdict } from "../verification/verdict.ts";
import { waiverLines } from "./render-release.ts";
import { checkMark } from "./render-verdict.ts";
import { paint, type Terminal } from "./terminal.ts";

/** Words in lines of at most `width` columns; a word that is longer stands alone, whole. */
const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
};

const NARROW = 20;

/** `head` and then `text`, which goes on below itself where the terminal ends. */
const hang = (terminal: Terminal, rail: string, head: string, text: string): string[] => {
  const indent = rail.length + head.length;
  const lines = wrap(visible(text), Math.max(NARROW, terminal.columns - indent));
  return lines.map((line, i) => {
    const start = i === 0 ? head : " ".repeat(head.length);
    return `${paint(terminal, "dim", rail)}${start}${line}`;
  });
};

const NAME_WIDTH = 15;

const checkLines = (terminal: Terminal, rail: string, check: Check): string[] => {
  const { name, status, detail, expected, actual } = check;
  const [first = "", ...more] = hang(terminal, rail, `  ${name.padEnd(NAME_WIDTH)}`, detail);
  const marked = first.replace(`  ${name}`, `${checkMark(terminal, check)} ${name}`);
  const lines = [marked, ...more];
  const value = (label: string, text: string | undefined): string[] =>
    text === undefined ? [] : hang(terminal, rail, `    ${label.padEnd(NAME_WIDTH - 2)}`, text);
  if (expected !== undefined && expected === actual) return [...lines, ...value("both", expected)];
  const labels = status === "failed" ? ["expected", "found"] : ["asked for", "found"];
  return [...lines, ...value(labels[0] ?? "", expected), ...value(labels[1] ?? "", actual)];
};

const WHAT: Record<ProofKind, string> = {
  bundle: "signature over the bytes",
  publish: "publish attestation, which binds the name",
  provenance: "provenance of the build",
  sbom: "bill of materials",
};

const signerLines = (
  terminal: Terminal,
  rail: string,
  verdict: Verdict & { verified: true },
): string[] => {
  const { signer, times, logged } = verdict;
  const line = (label: string, text: string): string[] =>
    hang(terminal, rail, `  ${label.padEnd(NAME_WIDTH)}`, text);
  const who =
    signer.kind === "key"
      ? line("key", signer.keyId)
      : [...line("signed by", signer.san), ...line("vouched for by", signer.issuer)];
  return [
    ...who,
    ...line("proven times", times.length === 0 ? "none" : times.join(", ")),
    ...logged.flatMap(({ logIndex, logId }) => line("logged", `entry ${logIndex} of ${logId}`)),
  ];
};

const proofLines = (terminal: Terminal, { kind, file, verdict }: Proof): string[] => {
  const good = verdict.verified;
  const state = good ? paint(terminal, "green", "good") : paint(terminal, "red", "refused");
  const rail = "│  ";
  return [
    `${paint(terminal, "dim", "├─")} ${paint(terminal, "bold", WHAT[kind])}: ${state}`,
    ...hang(terminal, rail, "  ", file),
    ...verdict.checks.flatMap((check) => checkLines(terminal, rail, check)),
    ...(good ? signerLines(terminal, rail, verdict) : []),
    ...(good ? [] : hang(terminal, rail, "  ", "no check after this one was made")),
  ];
};

/** Evidence that no verdict speaks of, and why. */
const missingLines = (terminal: Terminal, verdict: ReleaseVerdict): string[] => {
  const seen = new Set(verdict.proofs.map(({ kind }) => kind));
  const excused = new Set<string>(verdict.waivers.flatMap((note) => note.excused));
  return PROOFS.filter((kind) => !seen.has(kind)).flatMap((kind) => {
    const why = excused.has(kind)
      ? "absent, and excused by a waiver"
      : verdict.failure !== undefined
        ? "not looked at"
        : "none, and none is demanded";
    return hang(terminal, "├─ ", "", `${WHAT[kind]}: ${why}`);
  });
};

/**
 * A tree over one file: each piece of evidence, each check on it with the values that it compared,
 * who signed and when, and what no check was made of. Fit for narrow terminals; everything that
 * others wrote is made visible.
 */
export const explainLines = (terminal: Terminal, verdict: ReleaseVerdict): string[] => {
  const { filename, sha256, size, proofs, findings, failure } = verdict;
  const close = failure === undefined ? "green" : "red";
  const end = failure === undefined ? "verified as a release" : `refused: ${failure.code}`;
  return [
    paint(terminal, "bold", visible(filename)),
    ...hang(terminal, "│  ", "", `${size} bytes, sha256:${sha256}`),
    ...proofs.flatMap((proof) => proofLines(terminal, proof)),
    ...missingLines(terminal, verdict),
    ...findings.flatMap(({ path, detail }) =>
      hang(terminal, "├─ ", "note: ", `${path}: ${detail}`),
    ),
    ...waiverLines(verdict).flatMap((line) => hang(terminal, "├─ ", "", line)),
    `${paint(terminal, "dim", "└─")} ${paint(terminal, close, end)}`,
  ];
};
