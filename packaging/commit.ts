import { execFileSync } from "node:child_process";

/** The commit of the checkout at `root`, or `undefined` where it is not a git checkout. */
export const commitOf = (root: string): string | undefined => {
  try {
    const printed = execFileSync("git", ["-C", root, "rev-parse", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return printed.trim();
  } catch {
    return undefined;
  }
};
