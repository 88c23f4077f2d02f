import {
  type AttestationIdentity,
  describeIdentity,
  expectationOf,
} from "../consumer/attestation-identity.ts";
import {
  type ClosureVerdict,
  type FileVerdict,
  filesOf,
  type Outcome,
} from "../consumer/closure-verdict.ts";
import { describePublisher } from "../consumer/first-use.ts";
import type { Failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { waiverLines } from "./render-release.ts";
import { paint, type Terminal } from "./terminal.ts";

export const OUTCOME_COLOURS = {
  verified: "green",
  pinned: "green",
  signed: "yellow",
  unattested: "yellow",
  refused: "red",
  unavailable: "red",
} as const satisfies Record<Outcome, string>;

/** The publisher without the numbers that only comparisons need. */
const publisherOf = (identity: AttestationIdentity): string => {
  const expected = expectationOf(identity);
  return expected.ok ? describePublisher(expected.value) : describeIdentity(identity);
};

/** What a verdict rests on, in one line. */
const reasonOf = ({ outcome, demanded, identity, proofs, failure }: FileVerdict): string => {
  const who = identity === undefined ? "a key" : publisherOf(identity);
  switch (outcome) {
    case "verified": {
      const expected = demanded === "caller" ? "the options" : `the ${demanded}`;
      return `${proofs.join(", ")}; signed by ${who}, as ${expected} expects`;
    }
    case "signed":
      return `${proofs.join(", ")}; signed by ${who}, whom nobody named`;
    case "pinned":
      return "the policy pins this digest; no signature was asked for";
    case "unattested":
      return "nobody vouches for it";
    case "refused":
    case "unavailable":
      return failure === undefined ? "" : `${failure.code}: ${failure.message}`;
    default:
      return outcome satisfies never;
  }
};

const WIDTH = "unavailable".length;

/** One file, two lines and one a waiver. */
const showFileVerdict = (terminal: Terminal, verdict: FileVerdict): void => {
  const { outcome, filename, sha256, yanked, uninspected, release } = verdict;
  const mark = outcome === "refused" ? "REFUSED" : outcome;
  const indent = " ".repeat(WIDTH + 1);
  terminal.out(
    `${paint(terminal, OUTCOME_COLOURS[outcome], mark.padEnd(WIDTH))} ${visible(filename)}  sha256:${sha256}`,
  );
  terminal.out(`${indent}${visible(reasonOf(verdict))}`);
  if (uninspected === true) {
    terminal.out(`${indent}note: the name is not in normal form, so the content was not looked at`);
  }
  if (yanked !== undefined) terminal.out(`${indent}${visible(`note: yanked: ${yanked}`)}`);
  for (const line of release === undefined ? [] : waiverLines(release)) {
    terminal.out(`${indent}${paint(terminal, "yellow", visible(line))}`);
  }
};

/** Every file of a lock, and what of it is no file. */
export const showClosure = (terminal: Terminal, verdict: ClosureVerdict): void => {
  for (const file of filesOf(verdict)) showFileVerdict(terminal, file);
  for (const { entry, unlisted } of verdict.entries) {
    if (unlisted.length === 0) continue;
    const digests = counted(unlisted.length, "digest");
    terminal.out(`note: no file of the index has ${digests} of ${entry.name} ${entry.version}`);
  }
  for (const { name, kind } of verdict.unverifiable) {
    terminal.out(`${"skipped".padEnd(WIDTH)} ${name}  a source (${kind}) that nothing vouches for`);
  }
};

const counted = (count: number, what: string): string =>
  `${count} ${count === 1 ? what : `${what}s`}`;

/** How many files came to what, in one line. */
export const countsLine = (verdict: ClosureVerdict): string => {
  const files = filesOf(verdict);
  const outcomes = Object.keys(OUTCOME_COLOURS).flatMap((outcome) => {
    const count = files.filter((file) => file.outcome === outcome).length;
    return count === 0 ? [] : [`${count} ${outcome}`];
  });
  const packages = counted(verdict.entries.length, "package");
  return `${packages}, ${counted(files.length, "file")}: ${outcomes.join(", ")}`;
};

/** What JSON documents say of a closure; the long verdicts of `release` are for explain. */
export const closureFields = (verdict: ClosureVerdict, failed: Failure | undefined) => ({
  ok: failed === undefined,
  ...(failed && { error: failed }),
  files: filesOf(verdict).map(({ release, ...file }) => ({
    ...file,
    ...(release === undefined || release.waivers.length === 0 ? {} : { waivers: release.waivers }),
  })),
  unlisted: verdict.entries.flatMap(({ entry: { name, version }, unlisted }) =>
    unlisted.map((sha256) => ({ name, version, sha256 })),
  ),
  unverifiable: verdict.unverifiable,
});
