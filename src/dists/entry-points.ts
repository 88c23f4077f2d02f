import { fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { shown } from "./name.ts";

/** A command that an installer writes. */
export type Script = {
  readonly group: "console_scripts" | "gui_scripts";
  /** The name of the file that will stand in the `bin` folder. */
  readonly name: string;
  /** `module:attribute`, as written. */
  readonly target: string;
};

/** Larger entry_points.txt files are refused, in bytes. */
export const MAX_ENTRY_POINTS = 4 * 1024 ** 2;

// Python ends lines at these.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u0085\u2028\u2029]/;

const refuse = (why: string) => fail("DIST_METADATA", `entry_points.txt ${why}`);

/**
 * Reads the commands of entry_points.txt. Their names become file names, so a name with a folder
 * in it is refused; groups that make no command are skipped.
 * @returns DIST_METADATA, or DIST_PATH for a name that is no plain file name
 * @see https://packaging.python.org/en/latest/specifications/entry-points/
 */
export const parseScripts = (bytes: Uint8Array): Result<Script[]> => {
  const text = fromUtf8(bytes);
  if (!text.ok) return refuse("is not UTF-8");
  if (CONTROL.test(text.value)) return refuse("has control characters");
  const scripts = new Map<string, Script>();
  let group = "";
  for (const raw of text.value.split(/\r\n|\r|\n/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      const name = /^\[([^[\]]+)\]$/.exec(line)?.[1];
      if (name === undefined) return refuse(`has a malformed group ${shown(line)}`);
      group = name.trim();
      continue;
    }
    // A comment to some tools, and the beginning of a name to others.
    if (line.startsWith(";")) return refuse(`has an ambiguous line ${shown(line)}`);
    if (group === "") return refuse("has a line outside any group");
    if (group !== "console_scripts" && group !== "gui_scripts") continue;
    const script = parseScript(group, line);
    if (!script.ok) return script;
    const { name } = script.value;
    if (scripts.has(name)) return refuse(`has the command ${shown(name)} twice`);
    scripts.set(name, script.value);
  }
  return ok([...scripts.values()]);
};

const TARGET = /^[\w.]+\s*:\s*[\w.]+\s*(?:\[[^\]]*\])?$/u;

const parseScript = (group: Script["group"], line: string): Result<Script> => {
  const split = line.indexOf("=");
  const name = line.slice(0, Math.max(split, 0)).trim();
  const target = line.slice(split + 1).trim();
  if (split < 0 || name === "" || !TARGET.test(target)) {
    return refuse(`has a malformed command ${shown(line)}`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\\/:\u0000-\u001f]/.test(name) || name === "." || name === "..") {
    return fail("DIST_PATH", `the command ${shown(name)} is no plain file name`);
  }
  return ok({ group, name, target });
};
