import { ok, type Result } from "../formats/result.ts";
import type { Expected } from "../verification/policy.ts";
import type { Invocation } from "./command.ts";
import { expectedFor } from "./expectation.ts";
import { closeOnInterrupt } from "./interrupt.ts";
import { type Registry, registryOf } from "./registry.ts";
import type { Settings } from "./settings.ts";
import { ensureStack, type LocalStack, type Profile, profileOf } from "./stack.ts";
import { type Trust, trustOf } from "./trust.ts";

/** All that a stage needs from its surroundings, and how to let go of it. */
export type Session = {
  readonly settings: Settings;
  readonly stack: LocalStack | undefined;
  readonly trust: Trust;
  readonly expect: Expected;
  readonly registry: Registry;
  readonly close: () => Promise<void>;
};

/** Opens what the profile asks for: in the local profile the stack, started where none is up. */
export const openSession = async (
  invocation: Invocation,
  settings: Settings,
  fallback: Profile,
  work: "signs" | "verifies" = "verifies",
): Promise<Result<Session>> => {
  const profile = profileOf(settings, fallback);
  if (!profile.ok) return profile;
  const stack = profile.value === "local" ? await ensureStack(invocation, settings) : ok(undefined);
  if (!stack.ok) return stack;
  const chosen = withProfile(settings, profile.value);
  const session = await sessionOn(invocation, chosen, stack.value, work);
  if (!session.ok) {
    await stack.value?.close();
    return session;
  }
  const { close } = session.value;
  const release = closeOnInterrupt(invocation.terminal, close);
  return ok({
    ...session.value,
    close: () => {
      release();
      return close();
    },
  });
};

/** Runs `work` in a session and closes it whatever happens: a stack left open keeps us running. */
export const inSession = async <T>(session: Session, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } finally {
    await session.close();
  }
};

/** Nobody meets this expectation: what is verified against it is refused. */
const NOBODY: Expected = { kind: "identity", anyOf: [] };

/** Settings that name the profile which is in use, chosen or not. */
const withProfile = (settings: Settings, profile: Profile): Settings => ({
  ...settings,
  text: (name) => (name === "profile" ? profile : settings.text(name)),
});

const sessionOn = async (
  invocation: Invocation,
  settings: Settings,
  stack: LocalStack | undefined,
  work: "signs" | "verifies",
): Promise<Result<Session>> => {
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return trust;
  const named = await expectedFor(invocation, settings, trust.value);
  // Who signs is whom the id_token names, and need not be named again.
  const unnamed = work === "signs" && !named.ok && named.error.code === "IDENTITY_MISSING";
  const expect = unnamed ? ok(NOBODY) : named;
  if (!expect.ok) return expect;
  return ok({
    settings,
    stack,
    trust: trust.value,
    expect: expect.value,
    registry: registryOf(settings, invocation.outside, stack),
    close: async () => stack?.close(),
  });
};
