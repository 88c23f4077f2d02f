#!/usr/bin/env node
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { systemFiles } from "../../src/clients/files.ts";
import type { Sha256 } from "../../src/crypto/hash.ts";
import type { Artifact } from "../../src/formats/artifact.ts";
import { fromHex } from "../../src/formats/bytes.ts";
import { fail, ok, type Result } from "../../src/formats/result.ts";
import {
  attest,
  type Expectation,
  parseBundle,
  parsePublicKey,
  parseSigningConfig,
  parseTrustedRoot,
  publicGoodRoot,
  sign,
  signingServices,
  type TrustedRoot,
  verify,
} from "../../src/wheelseal.ts";

/**
 * The client of the sigstore-conformance suite, which runs it as
 *
 *     client.ts sign-bundle [--staging] [--in-toto] --identity-token T --bundle F
 *               [--trusted-root F] [--signing-config F] FILE
 *     client.ts verify-bundle [--staging] --bundle F
 *               (--certificate-identity I --certificate-oidc-issuer U | --key PEM)
 *               [--trusted-root F] FILE|sha256:HEX
 *
 * and looks at the exit code: 0 for done or verified, 1 for refused, 2 for a call that is not
 * understood. It is nothing but a translation to the library's calls.
 */
const OPTIONS = {
  staging: { type: "boolean" },
  "in-toto": { type: "boolean" },
  "identity-token": { type: "string" },
  bundle: { type: "string" },
  "trusted-root": { type: "string" },
  "signing-config": { type: "string" },
  "certificate-identity": { type: "string" },
  "certificate-oidc-issuer": { type: "string" },
  key: { type: "string" },
} as const;

type Call = {
  readonly flags: Readonly<Partial<Record<keyof typeof OPTIONS, string | boolean>>>;
  readonly operand: string;
};

const text = ({ flags }: Call, name: keyof typeof OPTIONS): string | undefined => {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
};

const required = (call: Call, name: keyof typeof OPTIONS): Result<string> => {
  const value = text(call, name);
  return value === undefined ? fail("USAGE", `--${name} is missing`) : ok(value);
};

/** The staging instance's root is not built in; the suite can name it, as any other. */
const trustOf = async (call: Call): Promise<Result<TrustedRoot>> => {
  const path = text(call, "trusted-root");
  if (path !== undefined) return parseTrustedRoot(await readFile(path));
  return call.flags.staging === true
    ? fail("CONFIG", "--staging needs --trusted-root")
    : ok(publicGoodRoot());
};

const signBundle = async (call: Call): Promise<Result<string>> => {
  const token = required(call, "identity-token");
  const out = required(call, "bundle");
  const trust = await trustOf(call);
  if (!token.ok) return token;
  if (!out.ok) return out;
  if (!trust.ok) return trust;
  const path = text(call, "signing-config");
  const config = path === undefined ? undefined : parseSigningConfig(await readFile(path));
  if (config?.ok === false) return config;
  const services = config && signingServices(config.value, Date.now());
  const options = {
    token: token.value,
    trust: trust.value,
    ...(services === undefined ? {} : { services }),
  };
  const signed =
    call.flags["in-toto"] === true
      ? await attest(await readFile(call.operand), options)
      : await sign(call.operand, options);
  if (!signed.ok) return signed;
  await writeFile(out.value, signed.value);
  return ok(`signed: ${out.value}`);
};

const expectationOf = async (call: Call): Promise<Result<Expectation>> => {
  const path = text(call, "key");
  if (path !== undefined) {
    const key = parsePublicKey(await readFile(path));
    return key.ok ? ok({ kind: "key", key: key.value }) : key;
  }
  const san = required(call, "certificate-identity");
  const issuer = required(call, "certificate-oidc-issuer");
  if (!san.ok) return san;
  if (!issuer.ok) return issuer;
  return ok({
    kind: "identity",
    anyOf: [{ kind: "exact", san: san.value, issuer: issuer.value }],
  });
};

/** A file is known by its bytes only: the suite's are named otherwise than they were signed. */
const artifactOf = async (operand: string): Promise<Result<Artifact>> => {
  if (!operand.startsWith("sha256:")) {
    const found = await systemFiles.artifact(operand);
    if (!found.ok) return found;
    const { name: _, ...artifact } = found.value;
    return ok(artifact);
  }
  const digest = fromHex(operand.slice("sha256:".length));
  return digest.ok && digest.value.length === 32
    ? ok({ sha256: digest.value as Sha256 })
    : fail("USAGE", "sha256: must be followed by 64 hexadecimal digits");
};

const verifyBundle = async (call: Call): Promise<Result<string>> => {
  const path = required(call, "bundle");
  if (!path.ok) return path;
  const expect = await expectationOf(call);
  if (!expect.ok) return expect;
  const trust = await trustOf(call);
  if (!trust.ok) return trust;
  const bundle = parseBundle(await readFile(path.value));
  if (!bundle.ok) return bundle;
  const artifact = await artifactOf(call.operand);
  if (!artifact.ok) return artifact;
  const verdict = await verify({
    artifact: artifact.value,
    bundle: bundle.value,
    trust: trust.value,
    expect: expect.value,
    now: Date.now(),
  });
  return verdict.verified ? ok("verified") : { ok: false, error: verdict.failure };
};

const run = async (argv: readonly string[]): Promise<Result<string>> => {
  const [command, ...args] = argv;
  const { values, positionals } = parseArgs({
    args,
    options: OPTIONS,
    allowPositionals: true,
  });
  const [operand, ...more] = positionals;
  if (operand === undefined || more.length > 0) return fail("USAGE", "name exactly one file");
  const call = { flags: values, operand };
  if (command === "sign-bundle") return signBundle(call);
  if (command === "verify-bundle") return verifyBundle(call);
  return fail("USAGE", "the command is sign-bundle or verify-bundle");
};

/** Whatever is thrown, a file that is not there or a flag that is not known, is a refusal. */
try {
  const done = await run(process.argv.slice(2));
  if (done.ok) console.log(done.value);
  else console.error(`${done.error.code}: ${done.error.message}`);
  process.exitCode = done.ok ? 0 : done.error.code === "USAGE" ? 2 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : "unknown error");
  process.exitCode = 2;
}
