import { join, resolve } from "node:path";
import { type Secret, secret } from "../clients/credentials.ts";
import { fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { MAX_TRUST_BYTES } from "../formats/trusted-root.ts";
import type { RotatedKey } from "../services/rotations.ts";
import type { ConsoleService, StackView } from "../services/stack-view.ts";
import type { StackUrls } from "../services/trust-config.ts";
import type { Invocation } from "./command.ts";
import type { Settings } from "./settings.ts";

/** A local stack that runs now, here or in another process. */
export type LocalStack = {
  readonly urls: StackUrls;
  /** Path of its ClientTrustConfig. */
  readonly trustConfig: string;
  /** Lets this machine's user mint tokens. */
  readonly tokenSecret: Secret;
  readonly jobToken: Secret;
  readonly project: { readonly id: string; readonly path: string };
  /** Stops it if this process started it. */
  readonly close: () => Promise<void>;
};

/** The project that the local registry and issuer know. */
export const LOCAL_PROJECT = { id: "1", path: "local/packages" } as const;
/** The ref that local tokens name unless another is asked for. */
export const LOCAL_REF = "refs/heads/main";

export type Profile = "local" | "gitlab";

/** The profile in use; `fallback` where nobody chose one. */
export const profileOf = (settings: Settings, fallback: Profile): Result<Profile> => {
  const chosen = settings.find("profile");
  if (chosen === undefined) return ok(fallback);
  if (chosen.value === "local" || chosen.value === "gitlab") return ok(chosen.value);
  return fail("CONFIG", `${chosen.from} is ${chosen.value}, neither local nor gitlab`);
};

export const usesLocalStack = (settings: Settings): boolean => settings.text("profile") === "local";

/** The local stack's state folder: --state, or `.wheelseal/state` in the working folder. */
export const stateFolder = ({ terminal }: Invocation, settings: Settings): string =>
  resolve(terminal.cwd, settings.text("state") ?? ".wheelseal/state");

/** Path of the ClientTrustConfig that the stack left in its state folder, running or not. */
export const localTrustConfig = async (
  invocation: Invocation,
  settings: Settings,
): Promise<Result<string>> => {
  const path = join(stateFolder(invocation, settings), "trust", "client-trust-config.json");
  const there = await invocation.files.readIfPresent(path, MAX_TRUST_BYTES);
  return there.ok && there.value !== undefined
    ? ok(path)
    : fail("CONFIG", `no local stack has run on ${stateFolder(invocation, settings)}`);
};

/** The stack that runs on the state folder, or one that is started for as long as needed. */
export const ensureStack = async (
  invocation: Invocation,
  settings: Settings,
): Promise<Result<LocalStack>> => {
  const folder = stateFolder(invocation, settings);
  const { findStack } = await import("../services/stack-file.ts");
  const running = await findStack(folder);
  if (running !== undefined && (await answers(invocation, running.urls.gitlab))) {
    const tokenSecret = await readSecret(invocation, folder, "token-secret");
    if (!tokenSecret.ok) return tokenSecret;
    const jobToken = await readSecret(invocation, folder, "job-token");
    if (!jobToken.ok) return jobToken;
    const { urls, trustConfig } = running;
    return ok({
      urls,
      trustConfig,
      tokenSecret: tokenSecret.value,
      jobToken: jobToken.value,
      project: LOCAL_PROJECT,
      close: async () => undefined,
    });
  }
  const { startStack } = await import("../services/server.ts");
  const { witnessOf } = await import("../services/generation.ts");
  const started = await startStack({ folder, witness: witnessOf(folder) });
  if (!started.ok) return started;
  const { urls, trustConfig, tokenSecret, jobToken, close } = started.value;
  return ok({
    urls,
    trustConfig,
    tokenSecret: secret(tokenSecret),
    jobToken: secret(jobToken),
    project: LOCAL_PROJECT,
    close,
  });
};

/** A process that is being ended is there for a while, and answers no more. */
const answers = ({ outside }: Invocation, url: string): Promise<boolean> =>
  outside.fetch(`${url}/.well-known/openid-configuration`).then(
    (response) => response.body?.cancel().then(() => response.ok) ?? response.ok,
    () => false,
  );

const MAX_SECRET = 4096;

const readSecret = async (
  { files }: Invocation,
  folder: string,
  name: string,
): Promise<Result<Secret>> => {
  const bytes = await files.read(join(folder, name), MAX_SECRET);
  const text = bytes.ok ? fromUtf8(bytes.value) : bytes;
  if (text.ok) return ok(secret(text.value.trim()));
  return fail("FILE_UNREADABLE", `${join(folder, name)} cannot be read by this user`);
};

export type { ConsoleService, RefusedRequest, StackView } from "../services/stack-view.ts";

/** Runs the stack until the process is asked to end. */
export const startLocalStack = async (
  folder: string,
  port: number | undefined,
  console: (view: StackView) => Promise<Result<ConsoleService>>,
) => {
  const { startStack } = await import("../services/server.ts");
  const { witnessOf } = await import("../services/generation.ts");
  return startStack({
    folder,
    witness: witnessOf(folder),
    console,
    ...(port === undefined ? {} : { port }),
  });
};

export type StackKey = RotatedKey | "tuf";

const isStackKey = (name: string, names: readonly string[]): name is StackKey =>
  names.includes(name);

/** The keys that a list names, `all` for every one. */
const stackKeys = (list: string, names: readonly StackKey[]): Result<StackKey[]> => {
  const wanted = list.split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => name !== "all" && !isStackKey(name, names));
  if (unknown !== undefined) {
    return fail("USAGE", `--key ${unknown} is none of ${names.join(", ")}, all`);
  }
  return ok(names.filter((name) => wanted.includes(name) || wanted.includes("all")));
};

/**
 * Replaces keys of a state folder, whose stack must not be running.
 *
 * @param list - names of keys with commas between them
 */
export const rotateKeys = async (
  folder: string,
  list: string,
): Promise<Result<{ readonly folder: string; readonly keys: readonly StackKey[] }>> => {
  const { ROTATED_KEYS } = await import("../services/rotations.ts");
  const keys = stackKeys(list, [...ROTATED_KEYS, "tuf"]);
  if (!keys.ok) return keys;
  const { startStack } = await import("../services/server.ts");
  const { witnessOf } = await import("../services/generation.ts");
  const stack = await startStack({ folder, witness: witnessOf(folder), rotate: keys.value });
  if (!stack.ok) return stack;
  await stack.value.close();
  return ok({ folder: stack.value.folder, keys: keys.value });
};

/** Derives the logs of a state folder anew. */
export const fsckLogs = async (folder: string) => {
  const { fsckStack } = await import("../services/stack-fsck.ts");
  return fsckStack(folder);
};
