import { fail, ok, type Result } from "../formats/result.ts";
import type { OptionHelp } from "./options.ts";

/** What a completion or a help page says of a command. */
export type CommandHelp = {
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
  readonly options: readonly OptionHelp[];
};

const SHELLS = ["bash", "zsh", "fish"] as const;

/** The long word of a flag such as `-o, --out <dir>`. */
const word = (flag: string): string => /--[\w-]+/.exec(flag)?.[0] ?? flag;

const takesValue = (flag: string): boolean => flag.includes("<");

const wantsFile = (flag: string): boolean => /<(file|dir|pem)>/.test(flag);

/** A completion script for `shell`, to be sourced; fails with USAGE for another shell. */
export const completionScript = (
  commands: readonly CommandHelp[],
  shell: string,
): Result<string> => {
  switch (shell) {
    case "bash":
      return ok(bash(commands));
    case "zsh":
      return ok(zsh(commands));
    case "fish":
      return ok(fish(commands));
    default:
      return fail("USAGE", `completion is for one of ${SHELLS.join(", ")}`);
  }
};

const bash = (commands: readonly CommandHelp[]): string => {
  const words = commands.map(({ name }) => name).join(" ");
  const cases = commands.map(
    ({ name, options }) =>
      `    ${name}) flags="${options.map(([flag]) => word(flag)).join(" ")} --help" ;;`,
  );
  return `# bash completion for wheelseal: source it, or put it into the completions folder.
_wheelseal() {
  local current="\${COMP_WORDS[COMP_CWORD]}" flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _wheelseal wheelseal`;
};

/** Text inside single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** In a description of zsh's _arguments, brackets and colons have a meaning. */
const zshText = (text: string): string => text.replaceAll(/[[\]:]/g, (match) => `\\${match}`);

const zshOption = ([flag, help]: OptionHelp): string => {
  const action = wantsFile(flag) ? ":file:_files" : ":value: ";
  return quoted(`${word(flag)}[${zshText(help)}]${takesValue(flag) ? action : ""}`);
};

const zsh = (commands: readonly CommandHelp[]): string => {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options }) => {
    const lines = [...options.map(zshOption), "'*:file:_files'"];
    return `    ${name}) _arguments ${lines.join(" \\\n      ")} ;;`;
  });
  return `#compdef wheelseal
_wheelseal() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
compdef _wheelseal wheelseal`;
};

const fish = (commands: readonly CommandHelp[]): string => {
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c wheelseal -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...options.map(([flag, help]) => {
      const value = takesValue(flag) ? (wantsFile(flag) ? " -r -F" : " -x") : "";
      const long = word(flag).replace(/^--/, "");
      return `complete -c wheelseal -n '__fish_seen_subcommand_from ${name}' -l ${long}${value} -d ${quoted(help)}`;
    }),
  ]);
  return ["# fish completion for wheelseal", ...lines].join("\n");
};
