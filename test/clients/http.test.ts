import assert from "node:assert/strict";
import { test } from "node:test";
import { exchange, type HttpRequest, shownUrl } from "../../src/clients/http.ts";
import { unwrap } from "../../src/formats/result.ts";
import { fakeOutside, refused } from "./fake-outside.ts";

const GET: HttpRequest = {
  method: "GET",
  url: "https://service.example/path?token=secret",
  maxBytes: 100,
  service: "test service",
};

const POST: HttpRequest = { ...GET, method: "POST", body: () => "content" };

const redirect = (location: string, status = 302) =>
  new Response(null, { status, headers: { location } });

const codeOf = async (outside: ReturnType<typeof fakeOutside>["outside"], request: HttpRequest) => {
  const result = await exchange(outside, request);
  return result.ok ? result.value.status : result.error.code;
};

test("an answer is given with its status, body and URL", async () => {
  const { outside } = fakeOutside(new Response("hello", { status: 404 }));
  const answer = unwrap(await exchange(outside, GET));
  assert.equal(answer.status, 404);
  assert.equal(new TextDecoder().decode(answer.body), "hello");
  assert.equal(answer.url, GET.url);
});

for (const status of [408, 425, 429, 500, 502, 503, 504]) {
  test(`status ${status} is tried again`, async () => {
    const { outside, calls } = fakeOutside(new Response("", { status }), new Response("done"));
    assert.equal(await codeOf(outside, POST), 200);
    assert.equal(calls.length, 2);
    assert.equal(new TextDecoder().decode(calls[1]!.body), "content");
  });
}

for (const status of [400, 401, 403, 404, 409, 410, 501]) {
  test(`status ${status} is an answer`, async () => {
    const { outside, calls } = fakeOutside(new Response("", { status }));
    assert.equal(await codeOf(outside, GET), status);
    assert.equal(calls.length, 1);
  });
}

test("the network is tried four times, ever more patiently", async () => {
  const { outside, calls, sleeps } = fakeOutside(refused());
  const result = await exchange(outside, GET);
  assert.equal(result.ok ? "" : result.error.code, "NETWORK_UNREACHABLE");
  assert.match(result.ok ? "" : result.error.message, /4 attempts: ECONNREFUSED$/);
  assert.equal(calls.length, 4);
  assert.equal(sleeps.length, 3);
  assert.ok(sleeps[0]! < sleeps[1]! && sleeps[1]! < sleeps[2]!);
});

test("a failure shows neither the query nor what an error of the platform says", async () => {
  const { outside } = fakeOutside(new TypeError("fetch of https://user:secret@x failed"));
  const result = await exchange(outside, GET);
  assert.doesNotMatch(JSON.stringify(result), /secret/);
  assert.match(JSON.stringify(result), /https:\/\/service\.example\/path /);
});

const after = (value: string) =>
  new Response("", { status: 429, headers: { "retry-after": value } });

for (const [value, wait] of [
  ["3", 3000],
  ["86400", 10_000],
  [new Date(1_700_000_002_000).toUTCString(), 2000],
  [new Date(0).toUTCString(), 0],
] as const) {
  test(`Retry-After ${value} waits ${wait} ms`, async () => {
    const { outside, sleeps } = fakeOutside(after(value), new Response("done"));
    assert.equal(await codeOf(outside, GET), 200);
    assert.deepEqual(sleeps, [wait]);
  });
}

test("an unreadable Retry-After falls back to the usual delay", async () => {
  const { outside, sleeps } = fakeOutside(after("soon"), new Response("done"));
  assert.equal(await codeOf(outside, GET), 200);
  assert.ok(sleeps[0]! > 0 && sleeps[0]! <= 500);
});

test("an answer at the cap is read, one byte more is refused without another try", async () => {
  const exact = fakeOutside(new Response("x".repeat(100)));
  assert.equal(await codeOf(exact.outside, GET), 200);
  const larger = fakeOutside(new Response("x".repeat(101)));
  assert.equal(await codeOf(larger.outside, GET), "FORMAT_SIZE");
  assert.equal(larger.calls.length, 1);
});

test("an endless answer is left at the cap", async () => {
  const endless = () =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64)) }),
    );
  const { outside } = fakeOutside(endless);
  assert.equal(await codeOf(outside, GET), "FORMAT_SIZE");
});

test("a truncated answer is tried again", async () => {
  const short = new Response("abc", { headers: { "content-length": "4" } });
  const { outside, calls } = fakeOutside(short, new Response("abcd"));
  assert.equal(new TextDecoder().decode(unwrap(await exchange(outside, GET)).body), "abcd");
  assert.equal(calls.length, 2);
});

test("a redirect is followed; credentials stay with their origin", async () => {
  const { outside, calls } = fakeOutside(
    redirect("/same"),
    redirect("https://other.example/x"),
    new Response("done"),
  );
  const headers = { Authorization: "Bearer s", "Private-Token": "s", accept: "text/html" };
  const answer = unwrap(await exchange(outside, { ...GET, headers }));
  assert.equal(answer.url, "https://other.example/x");
  assert.equal(calls[1]!.headers.get("authorization"), "Bearer s");
  assert.equal(calls[2]!.headers.get("authorization"), null);
  assert.equal(calls[2]!.headers.get("private-token"), null);
  assert.equal(calls[2]!.headers.get("accept"), "text/html");
});

for (const [what, request, location] of [
  ["from https to http", GET, "http://service.example/path"],
  ["to no web address", GET, "file:///etc/passwd"],
  ["of an upload", POST, "https://service.example/other"],
] as const) {
  test(`a redirect ${what} is refused`, async () => {
    const { outside, calls } = fakeOutside(redirect(location, 307));
    assert.equal(await codeOf(outside, request), "NETWORK_RESPONSE");
    assert.equal(calls.length, 1);
  });
}

test("five redirects are followed, a sixth is not", async () => {
  const five = [1, 2, 3, 4, 5].map((hop) => redirect(`/${hop}`));
  const enough = fakeOutside(...five, new Response("done"));
  assert.equal(await codeOf(enough.outside, GET), 200);
  const endless = fakeOutside(redirect("/again"));
  assert.equal(await codeOf(endless.outside, GET), "NETWORK_RESPONSE");
  assert.equal(endless.calls.length, 6);
});

for (const url of ["ftp://service.example/", "nonsense", "https://user:secret@service.example/"]) {
  test(`${url} is refused before anything is sent`, async () => {
    const { outside, calls } = fakeOutside(new Response("done"));
    const result = await exchange(outside, { ...GET, url });
    assert.equal(result.ok ? "" : result.error.code, "CONFIG");
    assert.doesNotMatch(JSON.stringify(result), /secret/);
    assert.equal(calls.length, 0);
  });
}

test("a stream is made afresh for each attempt", async () => {
  const stream = () => new Blob(["streamed"]).stream();
  const { outside, calls } = fakeOutside(refused(), new Response("done"));
  assert.equal(await codeOf(outside, { ...POST, body: stream }), 200);
  assert.deepEqual(
    calls.map((call) => new TextDecoder().decode(call.body)),
    ["streamed", "streamed"],
  );
});

test("an attempt that takes too long is given up and tried again", async () => {
  const { outside, calls } = fakeOutside(
    () => new Response(new ReadableStream({})),
    new Response("done"),
  );
  const hanging: typeof fetch = async (input, init) => {
    const response = await outside.fetch(input, init);
    const signal = init?.signal;
    if (calls.length > 1 || signal === null || signal === undefined) return response;
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
    );
  };
  assert.equal(await codeOf({ ...outside, fetch: hanging }, { ...GET, timeout: 20 }), 200);
  assert.equal(calls.length, 2);
});

test("shownUrl leaves out credentials and query", () => {
  assert.equal(shownUrl("https://u:p@h.example:8443/a/b?c#d"), "https://h.example:8443/a/b");
  assert.equal(shownUrl("::"), "(not a URL)");
});
