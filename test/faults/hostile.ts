import assert from "node:assert/strict";
import { join } from "node:path";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { chanceFrom } from "../fuzz/mutate.ts";
import { temporary } from "../pipeline/command.ts";
import { ENDPOINTS, shot } from "./endpoints.ts";
import { openPages, PAGE_ENDPOINTS, shootAtPage } from "./page-endpoints.ts";
import type { Part } from "./part.ts";

export const hostile: Part = {
  name: "endpoints",
  about: "spoilt requests to every endpoint of the stack: never a 500, and it goes on answering",
  run: async ({ seed, seconds }) => {
    const { path, remove } = temporary();
    const stack = unwrap(await startStack({ folder: join(path, "state"), port: 0 }));
    const chance = chanceFrom(seed);
    const statuses = new Map<number, number>();
    const end = performance.now() + seconds * 1000;
    let sent = 0;
    for (; performance.now() < end || sent < ENDPOINTS.length; sent += 1) {
      const endpoint = ENDPOINTS[sent % ENDPOINTS.length]!;
      const { url, init } = shot(stack, endpoint, chance);
      const response = await fetch(url, init);
      const said = await response.text();
      const { status } = response;
      assert.ok(status < 500, `${endpoint.route}: ${init.method} ${url}: ${status} ${said}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    await stack.close();
    remove();
    const counted = [...statuses].toSorted(([a], [b]) => a - b).map((pair) => pair.join(": "));
    return `${sent} requests to ${ENDPOINTS.length} endpoints, answered with ${counted.join(", ")}`;
  },
};

export const hostilePages: Part = {
  name: "pages",
  about:
    "spoilt requests to the gateway and the consoles: never a 500, never a file that was refused",
  run: async ({ seed, seconds }) => {
    const scene = await openPages();
    const chance = chanceFrom(seed);
    const statuses = new Map<number, number>();
    const end = performance.now() + seconds * 1000;
    for (let sent = 0; performance.now() < end || sent < PAGE_ENDPOINTS.length; sent += 1) {
      const endpoint = PAGE_ENDPOINTS[sent % PAGE_ENDPOINTS.length]!;
      const status = await shootAtPage(scene, endpoint, chance);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    assert.deepEqual(scene.bugs(), []);
    await scene.close();
    const counted = [...statuses].toSorted(([a], [b]) => a - b).map((pair) => pair.join(": "));
    return `answers ${counted.join(", ")}`;
  },
};
