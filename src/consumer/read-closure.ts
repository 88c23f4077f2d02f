import type { Files } from "../clients/files.ts";
import type { Result } from "../formats/result.ts";
import { type Closure, MAX_LOCK_BYTES } from "./closure.ts";
import { parsePylock } from "./closure-pylock.ts";
import { parseRequirements } from "./closure-requirements.ts";

/** A lock and its bytes. */
export type ReadClosure = { readonly closure: Closure; readonly bytes: Uint8Array };

/**
 * Parses a lock: a pylock.toml where the name ends in `.toml`, else a requirements file with hashes.
 * @returns FORMAT_SIZE, FORMAT_TOML, LOCK_FORMAT
 */
export const parseClosure = (bytes: Uint8Array, name: string): Result<Closure> =>
  (name.endsWith(".toml") ? parsePylock : parseRequirements)(bytes, name);

/**
 * Reads a lock from a file, as {@link parseClosure} does.
 * @param path - of the file; its name is what messages show
 * @returns FILE_UNREADABLE, FORMAT_SIZE, FORMAT_TOML, LOCK_FORMAT
 */
export const readClosure = async (files: Files, path: string): Promise<Result<ReadClosure>> => {
  const bytes = await files.read(path, MAX_LOCK_BYTES);
  if (!bytes.ok) return bytes;
  const name = path.split(/[/\\]/).at(-1) ?? path;
  const closure = parseClosure(bytes.value, name);
  return closure.ok ? { ok: true, value: { closure: closure.value, bytes: bytes.value } } : closure;
};
