const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is in use",
  EDQUOT: "the quota is used up",
  EEXIST: "it is there already",
  EISDIR: "it is a folder",
  ELOOP: "its links go round in a circle",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "its name is too long",
  ENOENT: "there is no such file",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is no folder",
  EPERM: "it is not permitted",
  EROFS: "the file system is read-only",
};

/** What the system says is wrong, in words and by its code; never the text of the error itself. */
export const systemReason = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return error instanceof Error ? error.name : "unknown error";
  const words = WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
};
