type Instruction = { readonly word: string; readonly rest: string };

/** The instructions of a Containerfile: comments gone, continued lines joined. */
const instructions = (text: string): Instruction[] =>
  text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => /^\s*(\S+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match === null ? [] : [{ word: (match[1] ?? "").toUpperCase(), rest: match[2] ?? "" }],
    );

/** What is wrong with a Containerfile; nothing where it keeps the rules of this repository. */
export const lintContainerfile = (text: string): string[] => {
  const all = instructions(text);
  const of = (word: string) => all.filter((one) => one.word === word).map(({ rest }) => rest);
  const faults: string[] = [];
  const images = of("FROM");
  if (images.length === 0) faults.push("there is no FROM");
  for (const image of images) {
    const pinned = /@(sha256:[0-9a-f]{64}|\$\{[A-Z_]*DIGEST\})(\s|$)/.test(image);
    if (!pinned) faults.push(`${image} is not pinned by digest`);
  }
  for (const argument of of("ARG")) {
    if (/DIGEST=/.test(argument) && !/=sha256:[0-9a-f]{64}$/.test(argument)) {
      faults.push(`${argument} is no digest`);
    }
  }
  const user = of("USER").at(-1);
  if (user === undefined || /^(root|0)(:|$)/.test(user)) faults.push("it runs as root");
  for (const command of of("RUN")) {
    if (/\b(curl|wget|apt-get|apk|npm|pip)\b/.test(command)) {
      faults.push(`it fetches while it is built: ${command}`);
    }
  }
  for (const word of ["ADD", "MAINTAINER"]) {
    if (of(word).length > 0) faults.push(`it uses ${word}`);
  }
  for (const entry of of("ENTRYPOINT")) {
    if (!entry.startsWith("[")) faults.push("its entry point needs a shell");
  }
  if (/(TOKEN|PASSWORD|SECRET)\s*=/i.test(text)) faults.push("it holds a secret");
  return faults;
};
