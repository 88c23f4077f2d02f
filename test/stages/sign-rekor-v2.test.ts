import assert from "node:assert/strict";
import { after, test } from "node:test";
import { rekorV2At } from "../../src/clients/rekor-v2.ts";
import { parseAttestation } from "../../src/formats/attestation.ts";
import { parseBundle } from "../../src/formats/bundle.ts";
import { evidenceNames } from "../../src/formats/evidence.ts";
import { unwrap } from "../../src/formats/result.ts";
import { sign } from "../../src/stages/2-sign.ts";
import {
  changing,
  clientsOf,
  codeOf,
  openStack,
  outside,
  SDIST,
  signFreshWith,
} from "./sign-support.ts";

const opened = await openStack();
const { stack, trust } = opened;
after(opened.close);
const signFresh = signFreshWith(opened);
const LOG = "/api/v2/log/entries";

test("bundles go to a Rekor v2 log, attestations stay in Rekor v1, and all verify", async () => {
  const bundleRekor = rekorV2At(stack.urls.rekor, outside);
  const { result, read, remove } = await signFresh({ clients: { bundleRekor } });
  unwrap(result);
  const names = evidenceNames(SDIST);
  const [entry] = unwrap(parseBundle(await read(names.bundle))).entries;
  assert.deepEqual([entry?.kind, entry?.version], ["hashedrekord", "0.0.2"]);
  assert.equal(entry?.signedEntryTimestamp, undefined);
  assert.equal(entry?.integratedTime, 0n);
  const [attested] = unwrap(parseAttestation(await read(names.publishAttestation))).entries;
  assert.deepEqual([attested?.kind, attested?.version], ["dsse", "0.0.1"]);
  await remove();
});

test("a Rekor v2 log without a timestamp authority is refused before anything is logged", async () => {
  const { clients } = clientsOf(stack, { bundleRekor: rekorV2At(stack.urls.rekor, outside) });
  const { tsa: _tsa, ...without } = clients;
  const { folder, left, before, remove } = await signFresh({
    record: true,
    commit: "f".repeat(40),
  });
  assert.equal(codeOf(await sign({ folder, trust }, without)), "CONFIG");
  assert.deepEqual(left, before);
  await remove();
});

const ANSWERS: readonly (readonly [string, () => Response, string])[] = [
  ["refuses", () => Response.json({ code: 3, message: "no" }, { status: 400 }), "REKOR_REFUSED"],
  ["answers no JSON", () => new Response("<html>", { status: 201 }), "REKOR_RESPONSE"],
  [
    "answers another thing",
    () => Response.json({ logIndex: "1" }, { status: 201 }),
    "REKOR_RESPONSE",
  ],
  ["is away", () => new Response(null, { status: 503 }), "NETWORK_UNREACHABLE"],
];

for (const [what, answer, code] of ANSWERS) {
  test(`a Rekor v2 log that ${what} gives ${code}, and nothing is written`, async () => {
    const bundleRekor = rekorV2At(stack.urls.rekor, changing(LOG, answer));
    const { result, left, before, remove } = await signFresh({ clients: { bundleRekor } });
    assert.equal(codeOf(result), code);
    assert.deepEqual(left, before);
    await remove();
  });
}

test("a Rekor v2 log that answers with the entry of another signature is found out", async () => {
  let first: string | undefined;
  const echo = changing(LOG, async (response) => {
    first ??= await response.text();
    return new Response(first, { status: 201 });
  });
  const bundleRekor = rekorV2At(stack.urls.rekor, echo);
  const { result, left, before, remove } = await signFresh({ clients: { bundleRekor } });
  assert.equal(codeOf(result), "SIGN_SELF_CHECK");
  assert.equal(left.length <= before.length + 5, true);
  await remove();
});

test("an envelope is logged in Rekor v2 by the digest of its PAE", async () => {
  const log = rekorV2At(stack.urls.rekor, outside);
  const { result, read, remove } = await signFresh({ clients: { rekor: log } });
  // A PEP 740 attestation has no place for the timestamp that such an entry needs.
  assert.equal(codeOf(result), "SIGN_SELF_CHECK");
  assert.match(result.ok ? "" : result.error.message, /TIME_MISSING/);
  await assert.rejects(read(evidenceNames(SDIST).bundle));
  await remove();
});
