import { fail, ok, type Result } from "../formats/result.ts";

/** A project name as the index knows it: lower case, runs of `-`, `_` and `.` turned into one `-` (PEP 503). */
export type NormalizedName = string & { readonly brand: "NormalizedName" };

const NAME = /^(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])$/;
const MAX_LENGTH = 255;

/**
 * Normalises a project name.
 * @param text - in any spelling that core metadata allows: `Zope.Interface`, `zope_interface`
 * @returns DIST_NAME for text that is no project name
 * @see PEP 503 and the core metadata specification, field Name
 */
export const parseName = (text: string): Result<NormalizedName> => {
  if (text.length > MAX_LENGTH || !NAME.test(text)) {
    return fail("DIST_NAME", `${shown(text)} is not a project name`);
  }
  return ok(text.replace(/[-_.]+/g, "-").toLowerCase() as NormalizedName);
};

/**
 * The name as it stands in file names of wheels (PEP 427, as amended) and sdists (PEP 625): the
 * normalised name with `_` for `-`. The escape that PEP 427 first had kept dots and upper case;
 * file names of that time are not accepted.
 */
export const escapeName = (name: NormalizedName): string => name.replaceAll("-", "_");

/** Text from a stranger, quoted and cut, for a message. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
