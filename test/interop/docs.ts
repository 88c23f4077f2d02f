import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";
import { COMPONENT_CHECKS, PEER_CHECKS } from "./checks.ts";
import { peer } from "./peers.ts";

export const INTEROP_PAGE = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));

const INTRODUCTION = `# Other people's programs

The stack and the client are worth something only if programs that others wrote agree with them.

\`\`\`
npm run interop
\`\`\`

gets the programs below from package registries into \`.interop/\` (kept between runs), starts the stack as \`wheelseal up\`, runs
each check and prints a table with \`pass\`, \`fail\` or \`missing\`; it fails when a check fails. A program that cannot be had is missing,
never passed. The first run builds the Go programs, up to 25 minutes on two cores; \`INTEROP_MINUTES\` sets another limit, and
\`--only WORDS\` runs the checks of one peer, or those with these words. The table below is the list of checks, not the result of a run: it is written by
\`npm run interop -- --write-docs\`, and a test keeps it in step.

No check relaxes a peer's verification. Refusals are checked for their reason.

`;

const COMPONENT_INTRODUCTION = `
## The component's faults

\`\`\`
npm run interop:component
\`\`\`

runs the whole component under gitlab-ci-local for each line below, in the same way.

`;

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** docs/interop.md, from the list of checks. */
export const interopPage = (): string => {
  return `${INTRODUCTION}${table(PEER_CHECKS)}${COMPONENT_INTRODUCTION}${table(COMPONENT_CHECKS)}`;
};

const table = (checks: readonly Check[]): string => {
  const rows = checks.map(({ peers, does }) => {
    const { name, version } = peer(peers[0]);
    return `| ${cell(name)} | ${version ?? "the machine's"} | ${cell(does)} |`;
  });
  return `| peer | version | what it does |\n|---|---|---|\n${rows.join("\n")}\n`;
};
