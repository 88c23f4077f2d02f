import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot, type TrustedRoot } from "../../src/formats/trusted-root.ts";
import { type Running, runCommand, startCommand, temporary } from "../pipeline/command.ts";
import type { Part, Run } from "./part.ts";
import { openSigner, signName, verifyName } from "./rotation-stack.ts";

const PROJECT = "local/packages";

type Urls = Record<"gitlab" | "fulcio" | "rekor" | "tsa" | "tuf", string>;
type Up = { readonly running: Running; readonly urls: Urls };

const up = async (state: string, port: string): Promise<Up> => {
  const running = startCommand([
    "up",
    "--state",
    state,
    "--json",
    ...(port ? ["--port", port] : []),
  ]);
  const line = await Promise.race([
    new Promise<string>((done) => running.child.stdout?.once("data", (text) => done(String(text)))),
    running.ended.then(({ stderr }) => assert.fail(`the stack does not start: ${stderr}`)),
  ]);
  return { running, urls: (JSON.parse(line) as { urls: Urls }).urls };
};

const stop = async ({ running }: Up): Promise<void> => {
  running.child.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
};

const run = async (args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(args);
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
};

const tokenOf = async (state: string): Promise<string> =>
  (await run(["token", "--state", state, "--project", PROJECT, "--ref", "main"])).trim();

const rootOf = async (state: string): Promise<TrustedRoot> =>
  unwrap(parseTrustedRoot(await readFile(join(state, "trust", "trusted_root.json"))));

type Signed = { readonly name: string; readonly bundle: Uint8Array };
type Epoch = { readonly trust: TrustedRoot; readonly signed: Signed };

const signAt = async (state: string, { urls }: Up, name: string): Promise<Epoch> => {
  const trust = await rootOf(state);
  const signer = unwrap(await openSigner({ urls, token: await tokenOf(state) }));
  return { trust, signed: { name, bundle: unwrap(await signName(name, signer)) } };
};

const verdictOf = async (
  { name, bundle }: Signed,
  trust: TrustedRoot,
  issuer: string,
): Promise<string> => {
  const verdict = await verifyName(name, bundle, { issuer, project: PROJECT, trust });
  return verdict.verified ? "verified" : verdict.failure.code;
};

/** What a trust root from before the rotation of a key says of a signature from after it. */
const BEFORE: Readonly<Record<string, string>> = {
  issuer: "verified",
  ca: "CERT_CHAIN",
  ctlog: "SCT_UNKNOWN_LOG",
  rekor: "TLOG_UNKNOWN_LOG",
  "rekor-v2": "verified",
  tsa: "TIME_AUTHORITY",
  tuf: "verified",
};

/**
 * What today's root says of a signature with the replaced key, made after it was replaced. Tokens
 * and TUF metadata are not in a signature: what they are refused for is asked elsewhere.
 */
const FORGED: Readonly<Record<string, string>> = {
  issuer: "verified",
  ca: "CERT_TIME",
  ctlog: "SCT_INVALID",
  rekor: "TLOG_TIME",
  "rekor-v2": "verified",
  tsa: "TIME_AUTHORITY",
  tuf: "verified",
};

/** A token that was minted before the issuer's key was replaced is still taken; see the CA. */
const rotateOne = async (key: string, { say }: Run): Promise<void> => {
  const { path, remove } = temporary();
  const state = join(path, "state");
  const stolen = join(path, "stolen");
  try {
    const first = await up(state, "");
    const issuer = first.urls.gitlab;
    const port = new URL(issuer).port;
    const before = await signAt(state, first, `before ${key}`);
    const oldToken = await tokenOf(state);
    const pinned = join(path, "1.root.json");
    await writeFile(pinned, await readFile(join(state, "trust", "1.root.json")));
    await stop(first);
    await cp(state, stolen, { recursive: true });
    // Windows are whole seconds.
    await sleep(1100);
    await run(["trust", "rotate", "--state", state, "--key", key]);
    await sleep(1100);
    const second = await up(state, port);
    assert.equal(second.urls.gitlab, issuer);
    const after = await signAt(state, second, `after ${key}`);
    const taken = await openSigner({ urls: second.urls, token: oldToken });
    assert.ok(taken.ok, "a token from before the rotation is refused");
    // The trust root comes by TUF from the root that was pinned before the rotation.
    const followed = ["--tuf-mirror", second.urls.tuf, "--tuf-root", pinned, "--json"];
    const shown = await runCommand(["trust", "show", ...followed], {
      env: { WHEELSEAL_TRUST_DIR: join(path, "home") },
    });
    assert.equal(shown.code, 0, shown.stderr);
    // Whoever has the replaced key, and all others that are still good, goes on with them.
    const forger = await up(stolen, "0");
    const token = await tokenOf(stolen);
    const forged = unwrap(
      await signName("forged", unwrap(await openSigner({ urls: forger.urls, token }))),
    );
    await stop(forger);
    const forgery = await verdictOf(
      { name: "forged", bundle: forged },
      after.trust,
      forger.urls.gitlab,
    );
    assert.equal(forgery, key === "all" ? "TLOG_TIME" : FORGED[key], `${key}: forged`);
    await stop(second);
    for (const { signed } of [before, after]) {
      assert.equal(await verdictOf(signed, after.trust, issuer), "verified", signed.name);
    }
    assert.equal(await verdictOf(before.signed, before.trust, issuer), "verified");
    const found = await verdictOf(after.signed, before.trust, issuer);
    assert.equal(found, key === "all" ? found : BEFORE[key], `after ${key}, by the root of before`);
    assert.notEqual(key === "all" ? found : "", "verified");
    await run(["log", "fsck", "--state", state]);
    say(`${key}: old and new verify; the old root says ${found} of the new`);
  } finally {
    remove();
  }
};

/** Every key of the stack is replaced, the real process started anew, and nothing that was signed is lost. */
export const rotation: readonly Part[] = [
  {
    name: "rotation",
    about: "every key of the stack is replaced; old signatures and new ones verify",
    run: async (given) => {
      const keys = [...Object.keys(BEFORE), "all"];
      for (const key of keys) await rotateOne(key, given);
      return `${keys.length} rotations`;
    },
  },
];
