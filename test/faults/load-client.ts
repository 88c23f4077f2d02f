import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange } from "../../src/clients/http.ts";
import { rekorAt } from "../../src/clients/rekor.ts";
import { timestampAuthorityAt } from "../../src/clients/tsa.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { formatBundle } from "../../src/formats/bundle.ts";
import { systemOutside } from "../../src/library/input.ts";
import { type BundleSigner, signMessage } from "../../src/stages/sign-bundle.ts";
import { openSigner } from "./rotation-stack.ts";

/**
 * A client of the load: signs and uploads until it is killed, and writes a line of JSON for what
 * both succeeded of. Arguments: who it is, the stack's origin, its two secrets' values by
 * environment, a folder for bundles.
 */
const [who = "", origin = "", folder = ""] = process.argv.slice(2);
const jobToken = process.env.LOAD_JOB_TOKEN ?? "";
const tokenSecret = process.env.LOAD_TOKEN_SECRET ?? "";

const outside = systemOutside();
const urls = { fulcio: origin, rekor: origin, tsa: `${origin}/api/v1/timestamp` };
const SIZES = [100, 1000, 10_000, 100_000];
const LARGE = 3_000_000;
/** Every so manieth file is large. */
const SELDOM = 64;
const LANES = 8;
const BATCH = 50;

const mint = async (): Promise<string> => {
  const response = await fetch(`${origin}/wheelseal/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${tokenSecret}` },
    body: JSON.stringify({ project_path: "local/packages", ref: "main", aud: "sigstore" }),
  });
  return ((await response.json()) as { token: string }).token;
};

let serial = 0;

const one = async (signer: BundleSigner): Promise<void> => {
  serial += 1;
  const name = `${who}-${serial}.bin`;
  const size = serial % SELDOM === 0 ? LARGE : (SIZES[serial % SIZES.length] ?? 0);
  const content = new Uint8Array(randomBytes(size));
  const bundle = await signMessage(artifactOfBytes(content, undefined), signer);
  if (!bundle.ok)
    return void process.stdout.write(`${JSON.stringify({ failed: bundle.error.code })}\n`);
  const path = `/api/v4/projects/1/packages/generic/load/1.0.${who}/${name}`;
  const uploaded = await exchange(outside, {
    method: "PUT",
    url: origin + path,
    headers: { "job-token": jobToken },
    body: () => content,
    maxBytes: 65_536,
    service: "registry",
  });
  if (!uploaded.ok || uploaded.value.status !== 201) {
    const failed = uploaded.ok ? uploaded.value.status : uploaded.error.code;
    return void process.stdout.write(`${JSON.stringify({ failed })}\n`);
  }
  const file = join(folder, `${name}.sigstore.json`);
  writeFileSync(file, formatBundle(bundle.value));
  const sha256 = createHash("sha256").update(content).digest("hex");
  process.stdout.write(`${JSON.stringify({ path, sha256, bundle: file })}\n`);
};

const lane = async (): Promise<void> => {
  for (;;) {
    const signer = await openSigner({ urls, token: await mint(), outside });
    if (!signer.ok) continue;
    const { signing } = signer.value;
    const kept = {
      signing,
      rekor: rekorAt(origin, outside),
      tsa: timestampAuthorityAt(urls.tsa, outside),
    };
    for (let n = 0; n < BATCH; n += 1) await one(kept);
  }
};

await Promise.all(Array.from({ length: LANES }, lane));
