import { dirname, join, resolve } from "node:path";
import { NO_AUTH, type RegistryAuth, secret } from "../clients/credentials.ts";
import { parseToml } from "../clients/toml.ts";
import {
  type GatewayConfig,
  readGatewayConfig,
  type UpstreamConfig,
} from "../consumer/gateway-config.ts";
import { openMetrics } from "../consumer/gateway-metrics.ts";
import { openGatewayState } from "../consumer/gateway-state.ts";
import { openGatewayStore } from "../consumer/gateway-store.ts";
import type { GatewayWorld, LogLine, PolicyExpected } from "../consumer/gateway-world.ts";
import { openUpstreams } from "../consumer/upstreams.ts";
import { sha256 } from "../crypto/hash.ts";
import { fromUtf8, hex, utf8 } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { readPolicy } from "../verification/policy-format.ts";
import type { Invocation } from "./command.ts";
import { policyFile } from "./policy.ts";
import type { Settings } from "./settings.ts";
import { trustOf } from "./trust.ts";

const MAX_CONFIG = 4 * 1024 * 1024;
const MAX_PASSWORD = 64 * 1024;
/** A TUF repository is asked again when that is due; this is how often it is looked at. */
const TRUST_PERIOD = 60 * 60 * 1000;

/** The configuration, its digest, and the folder that its paths are relative to. */
type Configured = {
  readonly config: GatewayConfig;
  readonly sha256: string;
  readonly folder: string;
};

const readConfig = async (invocation: Invocation, file: string): Promise<Result<Configured>> => {
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

const policyOf = async (
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

/** The trust root, looked at again from time to time; a failed refresh leaves the one that was. */
const trustedRoot = (
  invocation: Invocation,
  settings: Settings,
  log: (line: LogLine) => void,
): (() => Promise<Result<TrustedRoot>>) => {
  let last: { at: number; root: TrustedRoot } | undefined;
  return async () => {
    const now = invocation.outside.now();
    if (last !== undefined && now - last.at < TRUST_PERIOD) return ok(last.root);
    const trust = await trustOf(invocation, settings);
    if (trust.ok) last = { at: now, root: trust.value.root };
    else
      log({ level: "error", event: "trust", code: trust.error.code, message: trust.error.message });
    if (trust.ok || last === undefined) return trust.ok ? ok(trust.value.root) : trust;
    return ok(last.root);
  };
};

/** JSON lines on stderr. */
const logTo =
  ({ terminal, outside }: Invocation) =>
  (line: LogLine): void =>
    terminal.err(JSON.stringify({ time: rfc3339(outside.now()), ...line }));

/** The folder of the gateway's state: --state, or beside the configuration. */
export const gatewayState = ({ flags, terminal }: Invocation): string =>
  resolve(terminal.cwd, typeof flags.state === "string" ? flags.state : ".wheelseal/gateway");

/** Everything that the gateway works with, opened. */
export const openGatewayWorld = async (
  invocation: Invocation,
  settings: Settings,
  file: string,
): Promise<Result<GatewayWorld>> => {
  const { outside, files } = invocation;
  const read = await readConfig(invocation, file);
  if (!read.ok) return read;
  const { config, folder } = read.value;
  const policy = await policyOf(invocation, read.value);
  if (!policy.ok) return policy;
  const logins = all(
    await Promise.all(config.upstreams.map((one) => authOf(invocation, one, folder))),
  );
  if (!logins.ok) return logins;
  const upstreams = config.upstreams.map((one, at) => ({
    config: one.evidence === undefined ? one : { ...one, evidence: resolve(folder, one.evidence) },
    auth: logins.value[at] ?? NO_AUTH,
  }));
  const log = logTo(invocation);
  const trust = trustedRoot(invocation, settings, log);
  const first = await trust();
  if (!first.ok) return first;
  const place = gatewayState(invocation);
  const store = await openGatewayStore(join(place, "store"));
  if (!store.ok) return store;
  const state = openGatewayState(place);
  if (!state.ok) return state;
  return ok({
    config,
    policy: policy.value,
    fingerprint: hex(sha256(utf8(`${read.value.sha256} ${policy.value.sha256}`))),
    upstreams: openUpstreams(upstreams, outside, files),
    state: state.value,
    store: store.value,
    files,
    trust,
    metrics: openMetrics(),
    log,
    now: outside.now,
  });
};
