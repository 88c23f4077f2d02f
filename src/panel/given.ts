import { utf8 } from "../formats/bytes.ts";
import { parseJson } from "../formats/json.ts";
import { ok, type Result } from "../formats/result.ts";
import { parseTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { Expected } from "../verification/policy.ts";
import { readPolicy } from "../verification/policy-format.ts";

/** Whom to trust and to expect, as the page states it. */
export type Given = { readonly trust: TrustedRoot; readonly expect: Expected };

const MAX_GIVEN = 16 * 1024 * 1024;

/**
 * Reads what the page carries: `trustedRoot` (a trusted_root.json) and `policy` (a policy file),
 * both as objects of one JSON document.
 */
export const readGiven = (text: string): Result<Given> => {
  const document = parseJson(utf8(text), MAX_GIVEN, "the page");
  if (!document.ok) return document;
  const { trustedRoot, policy } = document.value as Record<string, unknown>;
  const trust = parseTrustedRoot(utf8(JSON.stringify(trustedRoot)));
  if (!trust.ok) return trust;
  const read = readPolicy(policy);
  if (!read.ok) return read;
  const expect = { kind: "policy", policy: read.value, from: "this page", sha256: "" } as const;
  return ok({ trust: trust.value, expect });
};
