import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ownBackend, write } from "../stages/build-support.ts";
import { openShell } from "./shell.ts";

/**
 * A golden file is a transcript: `$ ` and a command, what it printed, then `exit N`. The folder it
 * happens in holds a project `tiny`.
 * WHEELSEAL_UPDATE_GOLDEN=1 writes the transcripts anew; read the difference before committing it.
 */
const folder = new URL("../golden/", import.meta.url);

const transcript = (commands: readonly string[]): string => {
  const shell = openShell();
  write(join(shell.folder, "tiny"), ownBackend());
  return commands
    .map((command) => {
      const { output, code } = shell.run(command);
      const printed = output === "" || output.endsWith("\n") ? output : `${output}\n`;
      return `$ ${command}\n${printed}exit ${code}\n`;
    })
    .join("\n");
};

for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
  test(`golden: ${name}`, () => {
    const file = new URL(name, folder);
    const wanted = readFileSync(file, "utf8");
    const commands = wanted
      .split("\n")
      .filter((line) => line.startsWith("$ "))
      .map((line) => line.slice(2));
    assert.notEqual(commands.length, 0, "the file has no command");
    const actual = transcript(commands);
    if (process.env.WHEELSEAL_UPDATE_GOLDEN === "1") writeFileSync(file, actual);
    else assert.equal(actual, wanted);
  });
}
