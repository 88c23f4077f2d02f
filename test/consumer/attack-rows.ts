/** The attacks on installers that are known: rows of the list in reference/pypack.md, section 4. */
export const ROWS = [
  "RECORD hash mismatch / unlisted file",
  "ZIP differential",
  "Name/version mismatch",
  "Hidden metadata deps",
  "Tar traversal",
  "Wheel ../",
  "Rollback",
  "Replaced file",
  "Late file in old release",
  "Dependency confusion",
  "Replayed signature",
  "Token upload, attested project",
  "Token upload, never attested",
  "Own workflow poisoned",
  "Wheel≠sdist",
  "Empty provenance",
] as const;
