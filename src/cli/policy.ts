import { basename, resolve } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import { parseJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { tomlFailure } from "../formats/toml-failure.ts";
import type { Expected } from "../verification/policy.ts";
import { readPolicy } from "../verification/policy-format.ts";
import type { Invocation } from "./command.ts";
import type { Settings } from "./settings.ts";

const MAX_POLICY = 1024 * 1024;

/** The policy of `--policy FILE`: TOML, or JSON of the same shape where the name ends in .json. */
export const policyFile = async (
  { files, terminal }: Invocation,
  path: string,
): Promise<Result<Expected>> => {
  const bytes = await files.read(resolve(terminal.cwd, path), MAX_POLICY);
  if (!bytes.ok) return bytes;
  const value = path.endsWith(".json")
    ? parseJson(bytes.value, MAX_POLICY, path)
    : await parseToml(bytes.value, path);
  return value.ok ? expected(value.value, basename(path), hex(sha256(bytes.value)), path) : value;
};

/** The policy in pyproject.toml, or `undefined` where it has none. */
export const projectPolicy = (settings: Settings): Result<Expected | undefined> => {
  if (settings.policy === undefined) return ok(undefined);
  const from = "pyproject.toml#tool.wheelseal.policy";
  return expected(settings.policy, from, settings.projectSha256 ?? "", "pyproject.toml");
};

const expected = (
  value: unknown,
  from: string,
  digest: string,
  place: string,
): Result<Expected> => {
  const policy = readPolicy(value);
  if (!policy.ok) return fail(policy.error.code, `${place}: ${policy.error.message}`);
  return ok({ kind: "policy", policy: policy.value, from, sha256: digest });
};

const parseToml = async (bytes: Uint8Array, path: string): Promise<Result<unknown>> => {
  const text = fromUtf8(bytes);
  if (!text.ok) return fail("FORMAT_TOML", `${path} is not UTF-8`);
  const { parse } = await import("smol-toml");
  try {
    return ok(parse(text.value));
  } catch (error) {
    return tomlFailure(path, error);
  }
};
