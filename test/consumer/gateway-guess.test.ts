import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientEnvironment } from "../../src/consumer/client-environment.ts";
import { guessFile } from "../../src/consumer/gateway-guess.ts";
import type { ListedFile, ProjectListing } from "../../src/consumer/gateway-listing.ts";
import { parseDistributionFilename } from "../../src/dists/filename.ts";

const CLIENT: ClientEnvironment = {
  ...{ python: "3.11.7", language: "3.11", system: "Linux", machine: "x86_64" },
  ...{ libc: "glibc", libcMinor: 36 },
};

const listed = (filename: string, says: object = {}): ListedFile => {
  const parsed = parseDistributionFilename(filename);
  const live = { filename, url: `https://index.test/${filename}`, ...says };
  const known = { upstream: "test", sha256: "", firstSeen: 0, listed: live, live };
  const version = parsed.ok ? parsed.value.version : undefined;
  return { project: "lib" as never, filename, ...known, version, normal: parsed.ok };
};

const guess = (files: ListedFile[], specifier = "") =>
  guessFile({ files } as unknown as ProjectListing, specifier, CLIENT)?.filename;

const PURE = "py3-none-any.whl";
const OWN = "cp311-cp311-manylinux_2_17_x86_64.whl";

describe("the file that an installer will take", () => {
  const cases: [string, ListedFile[], string, string | undefined][] = [
    ["the newest", [listed(`lib-1.9-${PURE}`), listed(`lib-1.10-${PURE}`)], "", `lib-1.10-${PURE}`],
    [
      "in any order",
      [listed(`lib-1.10-${PURE}`), listed(`lib-1.9-${PURE}`)],
      "",
      `lib-1.10-${PURE}`,
    ],
    [
      "within bounds",
      [listed(`lib-1.0-${PURE}`), listed(`lib-2.0-${PURE}`)],
      "<2",
      `lib-1.0-${PURE}`,
    ],
    [
      "that is closest",
      [listed(`lib-1.0-${OWN}`), listed(`lib-1.0-${PURE}`)],
      "",
      `lib-1.0-${OWN}`,
    ],
    [
      "in its own right",
      [listed(`lib-1.0-${PURE}`), listed(`lib-1.0-${OWN}`)],
      "",
      `lib-1.0-${OWN}`,
    ],
    ["final", [listed(`lib-1.0-${PURE}`), listed(`lib-2.0rc1-${PURE}`)], "", `lib-1.0-${PURE}`],
    [
      "that is not yanked",
      [listed(`lib-1.0-${PURE}`), listed(`lib-2.0-${PURE}`, { yanked: "bad" })],
      "",
      `lib-1.0-${PURE}`,
    ],
    [
      "for its Python",
      [listed(`lib-1.0-${PURE}`), listed(`lib-2.0-${PURE}`, { requiresPython: ">=3.12" })],
      "",
      `lib-1.0-${PURE}`,
    ],
    ["that is a wheel", [listed("lib-1.0.tar.gz")], "", undefined],
    [
      "of usual size",
      [listed(`lib-0.9-${PURE}`), listed(`lib-1.0-${PURE}`, { size: 2 ** 30 })],
      "",
      undefined,
    ],
    ["or none", [listed(`lib-1.0-${PURE}`)], ">=2", undefined],
  ];
  for (const [what, files, specifier, expected] of cases) {
    test(what, () => assert.equal(guess(files, specifier), expected));
  }
});
