import { dirname, resolve } from "node:path";
import { NO_AUTH, type RegistryAuth, secret } from "../clients/credentials.ts";
import { parseToml } from "../clients/toml.ts";
import {
  type GatewayConfig,
  readGatewayConfig,
  type UpstreamConfig,
} from "../consumer/gateway-config.ts";
import type { PolicyExpected } from "../consumer/gateway-world.ts";
import { openUpstreams, type Upstreams } from "../consumer/upstreams.ts";
import { sha256 } from "../crypto/hash.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { readPolicy } from "../verification/policy-format.ts";
import type { Invocation } from "./command.ts";
import { policyFile } from "./policy.ts";

const MAX_CONFIG = 4 * 1024 * 1024;
const MAX_PASSWORD = 64 * 1024;

/** A gateway's configuration, its digest, and the folder that its paths are relative to. */
export type Configured = {
  readonly config: GatewayConfig;
  readonly sha256: string;
  readonly folder: string;
};

/** Reads the configuration. @returns FILE_UNREADABLE, FORMAT_TOML, CONFIG */
export const readConfig = async (
  invocation: Invocation,
  file: string,
): Promise<Result<Configured>> => {
  const path = resolve(invocation.terminal.cwd, file);
  const bytes = await invocation.files.read(path, MAX_CONFIG);
  if (!bytes.ok) return bytes;
  const text = fromUtf8(bytes.value);
  if (!text.ok) return fail("FORMAT_TOML", `${file} is not UTF-8`);
  const parsed = parseToml(text.value, file);
  if (!parsed.ok) return parsed;
  const config = readGatewayConfig(parsed.value);
  if (!config.ok) return fail(config.error.code, `${file}: ${config.error.message}`);
  return ok({ config: config.value, sha256: hex(sha256(bytes.value)), folder: dirname(path) });
};

/** The policy that a configuration names or holds; an empty one where it does neither. */
export const policyOf = async (
  invocation: Invocation,
  { config, sha256: digest, folder }: Configured,
): Promise<Result<PolicyExpected>> => {
  const { policy } = config;
  if (policy !== undefined && "file" in policy) {
    const read = await policyFile(invocation, resolve(folder, policy.file));
    if (!read.ok) return read;
    return read.value.kind === "policy" ? ok(read.value) : fail("POLICY_FORMAT", "no policy");
  }
  const read = readPolicy(policy?.table ?? {});
  if (!read.ok) return read;
  return ok({ kind: "policy", policy: read.value, from: "the gateway's policy", sha256: digest });
};

/** The login for an upstream; its password is never in the configuration itself. */
const authOf = async (
  { terminal, files }: Invocation,
  { name, credentials }: UpstreamConfig,
  folder: string,
): Promise<Result<RegistryAuth>> => {
  if (credentials === undefined) return ok(NO_AUTH);
  const { username, from } = credentials;
  const basic = (password: string): Result<RegistryAuth> =>
    password === ""
      ? fail("CONFIG", `the password of upstream ${name} is empty: ${from.name}`)
      : ok({ kind: "basic", username, password: secret(password) });
  if (from.kind === "environment") return basic(terminal.env[from.name] ?? "");
  const bytes = await files.read(resolve(folder, from.name), MAX_PASSWORD);
  return bytes.ok ? basic(new TextDecoder().decode(bytes.value).trim()) : bytes;
};

/** The upstreams of a configuration, with their logins. */
export const configuredUpstreams = async (
  invocation: Invocation,
  { config, folder }: Configured,
): Promise<Result<Upstreams>> => {
  const { outside, files } = invocation;
  const logins = all(
    await Promise.all(config.upstreams.map((one) => authOf(invocation, one, folder))),
  );
  if (!logins.ok) return logins;
  const upstreams = config.upstreams.map((one, at) => ({
    config: one.evidence === undefined ? one : { ...one, evidence: resolve(folder, one.evidence) },
    auth: logins.value[at] ?? NO_AUTH,
  }));
  return ok(openUpstreams(upstreams, outside, files));
};
