import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { p256 } from "@noble/curves/nist.js";
import type { Sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { type Bundle, formatBundle } from "../../src/formats/bundle.ts";
import { fromHex } from "../../src/formats/bytes.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { keyVerifier, type Logged } from "../../src/formats/tlog-body.ts";
import { formatTrustedRoot } from "../../src/formats/trusted-root.ts";
import { TRUST } from "./forge.ts";
import { entryV1 } from "./forge-bundle.ts";

const GIB = 1024 ** 3;
const SIZE = 2 * GIB;
const MAX_RESIDENT = 150 * 1000 * 1000;
/** SHA-256 of 2 GiB of zeros, which a file with nothing but a hole holds. */
const DIGEST = "a7c744c13cc101ed66c29f672f92455547889cc586ce6d44fe76ae824958ea51";

const key = generateKey("ecdsa-p256");

/** The private number of a P-256 key, from its PKCS #8 (RFC 5915). */
const secret = (): Uint8Array => {
  const jwk = key.handle.export({ format: "jwk" });
  return new Uint8Array(Buffer.from(jwk.d ?? "", "base64url"));
};

/** A bundle over a file of which only the digest is known. */
const bundleOver = (digest: Sha256): Bundle => {
  const options = { prehash: false, lowS: false, format: "der" } as const;
  const signature = p256.sign(digest, secret(), options);
  const verifier = keyVerifier(key.publicKey);
  const logged: Logged = { kind: "artifact", hash: "sha256", digest, signature, verifier };
  return {
    version: "0.3",
    material: { kind: "public-key", hint: "" },
    entries: [entryV1(logged, Math.floor(Date.now() / 1000) * 1000)],
    timestamps: [],
    content: {
      kind: "message-signature",
      digest: { algorithm: "SHA2_256", bytes: digest },
      signature,
    },
  };
};

/** Runs before the command line: tells at the end the most memory that was ever resident. */
const REPORTER = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync } from "node:fs";
   process.on("exit", () => {
     const [, kib] = /VmHWM:\\s*(\\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"));
     process.stderr.write("\\nresident " + kib * 1024 + "\\n");
   });`,
)}`;

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

const run = async (cwd: string, args: readonly string[]) => {
  const child = spawn(process.execPath, ["--import", REPORTER, MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err, resident: Number(/resident (\d+)/.exec(err)?.[1]) };
};

describe("memory", { skip: existsSync("/proc/self/status") ? false : "no /proc" }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "wheelseal-memory-"));
    const file = await open(join(folder, "large"), "w");
    await file.truncate(SIZE);
    await file.close();
    const digest = unwrap(fromHex(DIGEST)) as Sha256;
    await writeFile(join(folder, "bundle.json"), formatBundle(bundleOver(digest)));
    await writeFile(join(folder, "root.json"), formatTrustedRoot(TRUST));
    await writeFile(join(folder, "key.pem"), formatPem("PUBLIC KEY", key.publicKey.spki));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const verify = (operand: string) =>
    run(folder, [
      ...["verify", operand, "--bundle", "bundle.json", "--key", "key.pem"],
      ...["--trusted-root", "root.json", "--offline", "--json"],
    ]);

  it("stays under 150 MB for a file of 2 GiB", async () => {
    const { code, out, err, resident } = await verify("large");
    assert.equal(code, 0, `${out}${err}`);
    assert.equal(JSON.parse(out).verified ?? true, true);
    assert.ok(resident > 10_000_000 && resident < MAX_RESIDENT, `${resident} bytes`);
  });

  it("needs the digest alone where that is given", async () => {
    const { code, out, err, resident } = await verify(`sha256:${DIGEST}`);
    assert.equal(code, 0, `${out}${err}`);
    assert.ok(resident < MAX_RESIDENT, `${resident} bytes`);
  });
});
