import { fail, ok, type Result } from "../formats/result.ts";
import type { WheelFilename } from "./filename.ts";
import { expandTags } from "./filename.ts";
import { parseHeaders, valuesOf } from "./headers.ts";
import { shown } from "./name.ts";

/** The file WHEEL: how to unpack the wheel (PEP 427). */
export type WheelFile = {
  /** Whether the root goes to purelib rather than platlib. */
  readonly rootIsPurelib: boolean;
  /** The tool that made the wheel, and its version. */
  readonly generator?: string;
  /** `python-abi-platform`, uncompressed, sorted. */
  readonly tags: readonly string[];
  readonly build?: string;
  readonly notes: readonly string[];
};

/** Larger WHEEL files are refused, in bytes. */
export const MAX_WHEEL_FILE = 256 * 1024;

const refuse = (why: string) => fail("DIST_METADATA", `WHEEL ${why}`);

/**
 * Reads WHEEL. An unknown major version fails; a higher minor version is accepted with a note.
 * @returns DIST_METADATA
 * @see PEP 427, file contents
 */
export const parseWheelFile = (bytes: Uint8Array): Result<WheelFile> => {
  const parsed = parseHeaders(bytes, "WHEEL");
  if (!parsed.ok) return parsed;
  const { headers, body } = parsed.value;
  if (body !== "") return refuse("has text after its headers");
  const one = (name: string): string | undefined => {
    const values = valuesOf(headers, name);
    return values.length === 1 ? values[0] : undefined;
  };
  const version = one("wheel-version");
  if (version === undefined || !/^1\.[0-9]{1,3}$/.test(version)) {
    return refuse(`has version ${shown(version ?? "")}; 1.0 is known`);
  }
  const purelib = one("root-is-purelib")?.toLowerCase();
  if (purelib !== "true" && purelib !== "false") {
    return refuse("does not say Root-Is-Purelib: true or false");
  }
  const tags = expandLines(valuesOf(headers, "tag"));
  if (tags === undefined) return refuse("has no tags, or malformed ones");
  if (valuesOf(headers, "build").length > 1) return refuse("has the field build more than once");
  const build = one("build");
  const generator = one("generator");
  return ok({
    rootIsPurelib: purelib === "true",
    ...(generator === undefined ? {} : { generator }),
    tags,
    ...(build === undefined ? {} : { build }),
    notes: version === "1.0" ? [] : [`wheel version ${version} is newer than 1.0`],
  });
};

/** More combinations than any file name can hold are not made. */
const MAX_COMBINATIONS = 65_536;

/** Tags stand one a line; a compressed one is taken for all that it stands for. */
const expandLines = (lines: readonly string[]): string[] | undefined => {
  const tags = new Set<string>();
  let combinations = 0;
  for (const line of lines) {
    const [python, abi, platform, ...more] = line.split("-").map((set) => set.split("."));
    if (python === undefined || abi === undefined || platform === undefined || more.length > 0) {
      return undefined;
    }
    combinations += python.length * abi.length * platform.length;
    if (combinations > MAX_COMBINATIONS) return undefined;
    for (const tag of expandTags({ python, abi, platform })) tags.add(tag);
  }
  return tags.size === 0 ? undefined : [...tags].sort();
};

/** Fails with DIST_METADATA when WHEEL and the file name differ in tags or build. */
export const compareWheelFile = (file: WheelFile, wheel: WheelFilename): Result<void> => {
  const named = expandTags(wheel.tags);
  if (named.join() !== file.tags.join()) {
    return refuse(`has the tags ${cut(file.tags)}, but the file name says ${cut(named)}`);
  }
  return file.build === wheel.build
    ? ok(undefined)
    : refuse(`has build ${file.build ?? "none"}, the file name ${wheel.build ?? "none"}`);
};

const cut = (tags: readonly string[]): string =>
  tags.length > 6 ? `${tags.slice(0, 6).join(" ")} …` : tags.join(" ");
