import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemFiles } from "../../src/clients/files.ts";
import { refreshTuf } from "../../src/clients/tuf.ts";
import { HINTS } from "../../src/formats/errors.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot, type TrustedRoot } from "../../src/formats/trusted-root.ts";
import { systemOutside } from "../../src/library/input.ts";
import { type Stack, startStack } from "../../src/services/server.ts";
import type { Part } from "./part.ts";
import { openSigner, signName, verifyName } from "./rotation-stack.ts";

const MINUTE = 60_000;
const DAY = 24 * 3600_000;
const PROJECT = "local/packages";

const SERVICES = ["issuer", "ca", "ctlog", "rekor", "tsa"] as const;

/** Whose clock is wrong: the signer's own, that of one service, or those of all services. */
type Clock = (typeof SERVICES)[number] | "client" | "services";

/**
 * What becomes of a signing, and of its bundle by a verifier whose clock is right, an hour later:
 * `none` where none was made, and what it says of one whose maker did not look.
 */
type Row = readonly [clock: Clock, minutes: number, signing: string, later: string];

/** Refused by the signer's own check, which says why, before anything is written. */
const SELF = (code: string): string => `SIGN_SELF_CHECK ${code}`;

export const SKEWS: readonly Row[] = [
  ["client", 0, "signed", "verified"],
  ["client", 10, "signed", "verified"],
  ["client", -10, "TOKEN_EXPIRED", "none"],
  ["client", 1, "signed", "verified"],
  ["client", -1, "signed", "verified"],
  ["services", 10, "TOKEN_EXPIRED", "none"],
  ["services", -10, "signed", "verified"],
  // A token from the future is not sent; one that is ten minutes old has fifty left.
  ["issuer", 10, "TOKEN_EXPIRED", "none"],
  ["issuer", -10, "signed", "verified"],
  ["issuer", 1, "FULCIO_REFUSED", "none"],
  // The certificate begins after the log's time, or the token is from the authority's future.
  ["ca", 10, "CLOCK_SKEW", "none"],
  ["ca", 1, SELF("TLOG_TIME"), "TLOG_TIME"],
  ["ca", -10, "FULCIO_REFUSED", "none"],
  // Within the certificate's life, and while the log was trusted.
  ["ctlog", 10, "signed", "verified"],
  ["ctlog", 11, SELF("SCT_INVALID"), "SCT_INVALID"],
  ["ctlog", -10, "signed", "verified"],
  // Within the certificate's life, and no more than five minutes ahead of who looks.
  ["rekor", 4, "signed", "verified"],
  ["rekor", 10, SELF("TLOG_TIME"), "verified"],
  ["rekor", 11, SELF("TLOG_TIME"), "TLOG_TIME"],
  ["rekor", -10, SELF("TLOG_TIME"), "TLOG_TIME"],
  ["tsa", 4, "signed", "verified"],
  ["tsa", 10, SELF("TIME_WINDOW"), "verified"],
  ["tsa", 11, SELF("TIME_WINDOW"), "TIME_WINDOW"],
  ["tsa", -10, SELF("TIME_WINDOW"), "TIME_WINDOW"],
];

/** What a TUF client says whose clock, or whose repository's, is wrong by minutes. */
export const TUF_SKEWS: readonly (readonly [
  clock: "client" | "tuf",
  minutes: number,
  found: string,
])[] = [
  ["client", 10, "refreshed"],
  ["client", -10, "refreshed"],
  ["tuf", 10, "refreshed"],
  ["tuf", -10, "refreshed"],
  // Its documents live for a month.
  ["tuf", -31 * 24 * 60, "TRUST_EXPIRED"],
];

type World = {
  readonly stack: Stack;
  readonly trust: TrustedRoot;
  readonly base: number;
  readonly skew: Map<Clock, number>;
};

const outcome = (result: Result<unknown>): string => {
  if (result.ok) return "signed";
  const { code, message } = result.error;
  assert.match(HINTS[code], /clock/i, `the hint of ${code} does not name the clock`);
  return code === "SIGN_SELF_CHECK" ? SELF(message.split(":")[0] ?? "") : code;
};

const attempt = async ({ stack, trust, base, skew }: World, name: string) => {
  const now = (): number => base + (skew.get("client") ?? 0);
  const { urls } = stack;
  const token = await stack.mintToken({ projectPath: PROJECT });
  const signer = await openSigner({ urls, token, outside: { ...systemOutside(), now } });
  if (!signer.ok) return { signing: outcome(signer), later: "none" };
  const checked = await signName(name, signer.value, { trust, now: now() });
  // Whoever signs without looking gets a bundle in any case.
  const bundle = unwrap(await signName(name, signer.value));
  const by = { issuer: urls.gitlab, project: PROJECT, trust };
  const verdict = await verifyName(name, bundle, by, base + 60 * MINUTE);
  const later = verdict.verified ? "verified" : verdict.failure.code;
  return { signing: outcome(checked), later };
};

const clocksOf = (base: number, skew: World["skew"]) => {
  const clock = (name: Clock) => () => base + (skew.get(name) ?? skew.get("services") ?? 0);
  return Object.fromEntries(SERVICES.map((name) => [name, clock(name)]));
};

/** Signs and verifies under each row; gives those that came out otherwise. */
export const trySkews = async (rows: readonly Row[]): Promise<string[]> => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-skew-"));
  // Whole seconds, as certificates and logs have them, and no time passes.
  const base = Math.floor(Date.now() / 1000) * 1000;
  const skew: World["skew"] = new Map();
  const old = unwrap(await startStack({ folder, port: 0, now: () => base - DAY }));
  await old.close();
  const stack = unwrap(await startStack({ folder, now: () => base, clocks: clocksOf(base, skew) }));
  try {
    const file = await readFile(join(folder, "trust", "trusted_root.json"));
    const world = { stack, trust: unwrap(parseTrustedRoot(file)), base, skew };
    const wrong: string[] = [];
    for (const [clock, minutes, signing, later] of rows) {
      skew.clear();
      skew.set(clock, minutes * MINUTE);
      const name = `${clock} ${minutes}`;
      const found = await attempt(world, name);
      const [expected, actual] = [`${signing}, ${later}`, `${found.signing}, ${found.later}`];
      if (expected !== actual) wrong.push(`${name} min: ${actual}, not ${expected}`);
    }
    return wrong;
  } finally {
    await stack.close();
    await rm(folder, { recursive: true });
  }
};

/** Refreshes by TUF under each row; gives those that came out otherwise. */
export const tryTufSkews = async (rows: typeof TUF_SKEWS): Promise<string[]> => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-skew-"));
  const base = Date.now();
  const wrong: string[] = [];
  try {
    for (const [at, [clock, minutes, expected]] of rows.entries()) {
      const wrongNow = () => base + minutes * MINUTE;
      const state = join(folder, `state-${at}`);
      const clocks = clock === "tuf" ? { tuf: wrongNow } : {};
      const stack = unwrap(await startStack({ folder: state, port: 0, now: () => base, clocks }));
      const source = {
        mirror: stack.urls.tuf,
        firstRoot: new Uint8Array(await readFile(join(state, "trust", "1.root.json"))),
        folder: join(folder, `home-${at}`),
      };
      const now = clock === "client" ? wrongNow : () => base;
      const world = { outside: { ...systemOutside(), now }, files: systemFiles };
      const refreshed = await refreshTuf(source, world, 1);
      await stack.close();
      const found = refreshed.ok ? "refreshed" : refreshed.error.code;
      if (found !== expected) wrong.push(`${clock} ${minutes} min: ${found}, not ${expected}`);
      if (!refreshed.ok) assert.match(HINTS[refreshed.error.code], /clock/i);
    }
    return wrong;
  } finally {
    await rm(folder, { recursive: true });
  }
};

export const skew: Part = {
  name: "skew",
  about: "clocks of the signer and of each service are ten minutes wrong",
  run: async () => {
    const wrong = await trySkews(SKEWS);
    wrong.push(...(await tryTufSkews(TUF_SKEWS)));
    assert.deepEqual(wrong, []);
    return `${SKEWS.length + TUF_SKEWS.length} skews`;
  },
};
