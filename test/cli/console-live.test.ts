import assert from "node:assert/strict";
import { test } from "node:test";
import { openLive } from "../../src/cli/console-live.ts";

const LIMITS = { clients: 2, kept: 3, waiting: 4096, heartbeat: 5 };

const reader = (response: Response) => {
  const from = response.body?.getReader();
  assert.ok(from);
  return {
    next: async (): Promise<string> => new TextDecoder().decode((await from.read()).value),
    cancel: () => from.cancel(),
  };
};

const ids = (text: string): string[] =>
  [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? "");

test("a client hears each change, with an id", async () => {
  const live = openLive({ ...LIMITS, heartbeat: 60_000 });
  const client = reader(live.stream(null));
  assert.match(
    await client.next(),
    /^retry: \d+\n\nevent: hello\nid: [0-9a-f]{12}\.0\ndata: \{\}\n\n$/,
  );
  live.publish({ what: "list" });
  assert.match(
    await client.next(),
    /^event: changed\nid: [0-9a-f]{12}\.1\ndata: \{"what":"list"\}\n\n$/,
  );
  live.close();
});

test("a client that comes back hears what it missed, and nothing twice", async () => {
  const live = openLive({ ...LIMITS, heartbeat: 60_000 });
  const first = reader(live.stream(null));
  const [seen = ""] = ids(await first.next());
  await first.cancel();
  for (const what of ["a", "b", "c"]) live.publish({ what });
  const second = reader(live.stream(seen));
  const missed = await second.next();
  assert.deepEqual(
    [...missed.matchAll(/"what":"(.)"/g)].map(([, what]) => what),
    ["a", "b", "c"],
  );
  const last = ids(missed).at(-1) ?? "";
  await second.cancel();
  const third = reader(live.stream(last));
  assert.doesNotMatch(await third.next(), /event/);
  live.close();
});

for (const [name, id] of [
  ["of another process", "000000000000.1"],
  ["that is no id", "x\r\nevent: y"],
  ["", ""],
] as const) {
  test(`a last event ${name} is answered with a reset`, async () => {
    const live = openLive({ ...LIMITS, heartbeat: 60_000 });
    live.publish({});
    assert.match(await reader(live.stream(id)).next(), /event: reset/);
    live.close();
  });
}

test("what is not kept any more is a reset, and no more is kept than that", async () => {
  const live = openLive({ ...LIMITS, heartbeat: 60_000 });
  const first = reader(live.stream(null));
  const [seen = ""] = ids(await first.next());
  await first.cancel();
  for (let i = 0; i < 4; i += 1) live.publish({ i });
  assert.match(await reader(live.stream(seen)).next(), /event: reset/);
  live.close();
});

test("there is a sign of life when nothing changes", async () => {
  const live = openLive(LIMITS);
  const client = reader(live.stream(null));
  await client.next();
  assert.equal(await client.next(), ": still here\n\n");
  live.close();
});

test("clients are few: another one is told to come later, and one that left makes room", async () => {
  const live = openLive({ ...LIMITS, heartbeat: 60_000 });
  const clients = [live.stream(null), live.stream(null)].map(reader);
  const refused = live.stream(null);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "10");
  await clients[0]?.cancel();
  assert.equal(live.clients(), 1);
  assert.equal(live.stream(null).status, 200);
  live.close();
  assert.equal(live.clients(), 0);
});

test("a client that does not read is let go before much waits for it", async () => {
  const live = openLive({ ...LIMITS, heartbeat: 60_000 });
  const client = reader(live.stream(null));
  for (let i = 0; i < 200 && live.clients() > 0; i += 1) live.publish({ text: "x".repeat(100) });
  assert.equal(live.clients(), 0);
  await assert.rejects(client.next());
  live.close();
});
