/** What is allowed in a distribution but worth a person's look. */
export type FindingKind =
  /** Runs at every start of the interpreter: `.pth`, `sitecustomize.py`, `usercustomize.py`. */
  | "startup-code"
  /** Machine code: `.so`, `.pyd`, `.dll`, `.dylib`. */
  | "native-code"
  /** Byte code without a promise that it comes from the source beside it. */
  | "bytecode"
  /** A file or entry point that becomes a command. */
  | "script"
  /** Installed outside the package folders: `.data/data`, `.data/headers`. */
  | "data-file"
  | "sbom"
  | "symlink"
  | "hardlink"
  /** `setup.py`: building this sdist runs it. */
  | "setup-script"
  | "no-pyproject"
  | "metadata-note";

export type Finding = {
  readonly kind: FindingKind;
  /** The member's path, or the empty string where the whole distribution is meant. */
  readonly path: string;
  /** One clause that says why it is listed. */
  readonly detail: string;
};

/** A regular file of a distribution, as it was read. */
export type Member = {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
};

/** What the limits are for: a hostile archive must cost little. All are inclusive. */
export type Limits = {
  readonly members: number;
  /** Unpacked bytes of one member. */
  readonly memberSize: number;
  /** Unpacked bytes of all members. */
  readonly totalSize: number;
  /** Unpacked over packed size of the archive, once `totalSize` passes 64 MiB. */
  readonly ratio: number;
};

/** Room for the largest honest wheels (CUDA builds unpack to some 5 GB). */
export const DEFAULT_LIMITS: Limits = {
  members: 200_000,
  memberSize: 8 * 1024 ** 3,
  totalSize: 16 * 1024 ** 3,
  ratio: 200,
};

const RATIO_FLOOR = 64 * 1024 ** 2;

/** Whether `unpacked` bytes are more than an archive of `packed` bytes may hold. */
export const isBomb = (limits: Limits, unpacked: number, packed: number): boolean =>
  unpacked > RATIO_FLOOR && unpacked > packed * limits.ratio;

/** Modules that site imports, as a file or a package, in source, byte code or machine code. */
const CUSTOMIZE = /^(?:site|user)customize(?:\/__init__)?\.[^/]+$/;
const NATIVE = /\.(?:so(?:\.[0-9.]+)?|pyd|dll|dylib)$/i;

/** Findings that a path alone gives. `installed` is the path below site-packages, if it goes there. */
export const findingsOfPath = (path: string, installed: string | undefined): Finding[] => {
  const findings: Finding[] = [];
  if (/\.pth$/i.test(path)) {
    findings.push({ kind: "startup-code", path, detail: "lines with import run at every start" });
  }
  if (installed !== undefined && CUSTOMIZE.test(installed)) {
    findings.push({ kind: "startup-code", path, detail: "imported at every start" });
  }
  if (NATIVE.test(path)) findings.push({ kind: "native-code", path, detail: "machine code" });
  if (/\.py[co]$/i.test(path)) {
    findings.push({ kind: "bytecode", path, detail: "byte code that may differ from its source" });
  }
  return findings;
};
