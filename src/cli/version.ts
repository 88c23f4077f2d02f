/** The version of this tool; a test holds it against package.json. */
export const VERSION = "0.1.0";

/** The commit that the bundle was made from, put in by the bundler; unknown to a checkout. */
declare const WHEELSEAL_COMMIT: string | undefined;

/** What `--version` prints: the version, and the commit where it is known. */
export const versionLine = (): string => {
  const commit = typeof WHEELSEAL_COMMIT === "string" ? WHEELSEAL_COMMIT : "";
  return commit === "" ? VERSION : `${VERSION} (${commit.slice(0, 7)})`;
};
