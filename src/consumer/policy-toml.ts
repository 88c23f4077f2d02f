import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import { fail, ok, type Result } from "../formats/result.ts";
import { printable } from "../formats/visible.ts";
import { type Policy, readPolicy } from "../verification/policy-format.ts";
import { policyJson } from "./policy-json.ts";

/** What a digest is the digest of: file names by lower-case hex. */
export type PinNames = ReadonlyMap<string, string>;

type Table = Record<string, unknown>;

/** Names of files come from locks: nothing of them may end the comment. */
const comment = (text: string): string => `# ${printable(text)}`;

const pinLine = (pin: string, names: PinNames): string => {
  const filename = names.get(pin.slice("sha256:".length));
  return `  ${JSON.stringify(pin)},${filename === undefined ? "" : ` ${comment(filename)}`}`;
};

/** One package, with a line for each file that is pinned. */
const packageToml = (name: string, table: Table, names: PinNames): string => {
  const { pins, identities, ...rest } = table as { pins?: string[]; identities?: Table[] };
  const pinned =
    pins === undefined ? [] : ["pins = [", ...pins.map((pin) => pinLine(pin, names)), "]"];
  const own = [stringify(rest).trimEnd(), ...pinned].filter((line) => line !== "");
  const head = own.length === 0 ? [] : [`[packages.${name}]`, ...own, ""];
  const signers = (identities ?? []).flatMap((identity) => [
    `[[packages.${name}.identities]]`,
    stringify(identity).trimEnd(),
    "",
  ]);
  return [...head, ...signers].join("\n");
};

/**
 * A policy as a TOML file for people to look through: beside each pin stands the file that it is of.
 *
 * @param head - lines of a comment, without `#`
 * @returns POLICY_FORMAT where the policy is larger than one may be
 */
export const formatPolicy = (
  policy: Policy,
  names: PinNames,
  head: readonly string[],
): Result<string> => {
  const document = policyJson(policy);
  const { packages, waivers, ...rest } = document;
  const lists = Object.entries(packages).map(([name, one]) => packageToml(name, { ...one }, names));
  const text = [
    ...head.map(comment),
    "",
    ...(Object.keys(rest).length === 0 ? [] : [stringify(rest)]),
    ...lists,
    ...(waivers.length === 0 ? [] : [stringify({ waivers })]),
  ].join("\n");
  const read = readPolicy(parse(text));
  if (!read.ok) return read;
  return isDeepStrictEqual(policyJson(read.value), document)
    ? ok(`${text.trim()}\n`)
    : fail("POLICY_FORMAT", "the policy cannot be written as TOML");
};
