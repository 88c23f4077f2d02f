import type { Files } from "../clients/files.ts";
import type { Result } from "../formats/result.ts";
import { type Closure, MAX_LOCK_BYTES } from "./closure.ts";
import { parsePylock } from "./closure-pylock.ts";
import { parseRequirements } from "./closure-requirements.ts";

/** A lock and its bytes. */
export type ReadClosure = { readonly closure: Closure; readonly bytes: Uint8Array };

/**
 * Reads a lock: a pylock.toml where the name ends in `.toml`, else a requirements file with hashes.
 * @param path - of the file; its name is what messages show
 * @returns FILE_UNREADABLE, FORMAT_SIZE, FORMAT_TOML, LOCK_FORMAT
 */
export const readClosure = async (files: Files, path: string): Promise<Result<ReadClosure>> => {
  const bytes = await files.read(path, MAX_LOCK_BYTES);
  if (!bytes.ok) return bytes;
  const name = path.split(/[/\\]/).at(-1) ?? path;
  const parse = name.endsWith(".toml") ? parsePylock : parseRequirements;
  const closure = parse(bytes.value, name);
  return closure.ok ? { ok: true, value: { closure: closure.value, bytes: bytes.value } } : closure;
};
