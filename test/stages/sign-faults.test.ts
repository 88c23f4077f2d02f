import assert from "node:assert/strict";
import { after, test } from "node:test";
import { exitCodeOf } from "../../src/formats/exit-code.ts";
import { unwrap } from "../../src/formats/result.ts";
import { changing, codeOf, openStack, signFreshWith } from "./sign-support.ts";

const opened = await openStack();
after(opened.close);
const signFresh = signFreshWith(opened);

test("a log that cannot be reached ends with exit code 3, and nothing is written", async () => {
  const world = changing("/api/v1/log", () => new Response("", { status: 503 }));
  const { result, left, before, remove } = await signFresh({ world });
  assert.equal(codeOf(result), "NETWORK_UNREACHABLE");
  assert.equal(exitCodeOf("NETWORK_UNREACHABLE"), 3);
  assert.deepEqual(left, before);
  await remove();
});

test("an entry whose answer was lost is fetched when the log says it has it", async () => {
  let lost = 0;
  const world = changing("/api/v1/log/entries", (response, request) => {
    if (request.method !== "POST" || lost >= 2) return response;
    lost += 1;
    return new Response("", { status: 502 });
  });
  const { result, remove } = await signFresh({ world });
  unwrap(result);
  assert.equal(lost, 2);
  await remove();
});

test("a log that asks for patience is given it", async () => {
  let refused = 0;
  const waits: number[] = [];
  const limited = changing("/api/v1/log/entries", (response) => {
    if (refused > 0) return response;
    refused += 1;
    return new Response("", { status: 429, headers: { "retry-after": "7" } });
  });
  const world = { ...limited, sleep: async (wait: number) => void waits.push(wait) };
  const { result, remove } = await signFresh({ world });
  unwrap(result);
  assert.deepEqual(waits, [7000]);
  await remove();
});

test("a log that answers with another entry is found out before anything is written", async () => {
  const first: { answer?: string } = {};
  const world = changing("/api/v1/log/entries", async (response) => {
    first.answer ??= await response.clone().text();
    return new Response(first.answer, { status: 201 });
  });
  const { result, left, before, remove } = await signFresh({ world });
  assert.equal(codeOf(result), "SIGN_SELF_CHECK");
  assert.match(result.ok ? "" : result.error.message, /TLOG_(BODY|KIND)/);
  assert.deepEqual(left.length, before.length);
  await remove();
});

test("an authority that answers with another key's certificate is refused", async () => {
  const first: { answer?: string } = {};
  const world = changing("/api/v2/signingCert", async (response) => {
    first.answer ??= await response.clone().text();
    return new Response(first.answer, { status: 200 });
  });
  unwrap((await signFresh({ world })).result);
  const { result, left, before, remove } = await signFresh({ world });
  assert.equal(codeOf(result), "FULCIO_RESPONSE");
  assert.deepEqual(left, before);
  await remove();
});

test("an authority without the v2 API is asked by v1", async () => {
  let older = 0;
  const world = changing("/api", (response, request) => {
    if (request.url.includes("/api/v2/")) return new Response("", { status: 404 });
    if (request.url.endsWith("/api/v1/signingCert")) older += 1;
    return response;
  });
  const { result, remove } = await signFresh({ world });
  unwrap(result);
  assert.equal(older, 1);
  await remove();
});

test("what the authority says of a refusal is shown without the token it echoes", async () => {
  const world = changing("/api/v2/signingCert", async (_, request) => {
    const { credentials } = (await request.json()) as {
      credentials: { oidcIdentityToken: string };
    };
    const message = `no: ${credentials.oidcIdentityToken}\u001b[2J`;
    return new Response(JSON.stringify({ code: 16, message }), { status: 401 });
  });
  const { result, events, remove } = await signFresh({ world });
  assert.equal(codeOf(result), "FULCIO_REFUSED");
  assert.match(result.ok ? "" : result.error.message, /status 401: no: \(a token\)/);
  assert.doesNotMatch(JSON.stringify(events), /eyJ|\\u001b/);
  await remove();
});

test("a timestamp over something else is refused", async () => {
  const first: { answer?: ArrayBuffer } = {};
  const world = changing("/api/v1/timestamp", async (response) => {
    first.answer ??= await response.clone().arrayBuffer();
    return new Response(first.answer, { status: 200 });
  });
  const { result, remove } = await signFresh({ world });
  assert.equal(codeOf(result), "TSA_RESPONSE");
  await remove();
});
