import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProjectListing } from "../../src/consumer/gateway-listing.ts";
import { openRenderedPages } from "../../src/consumer/gateway-rendered.ts";
import type { KeptVerdict } from "../../src/consumer/gateway-state.ts";
import type { GatewayWorld } from "../../src/consumer/gateway-world.ts";
import type { NormalizedName } from "../../src/dists/name.ts";

const PROJECT = "greeter" as NormalizedName;
const FILENAME = "greeter-1.0-py3-none-any.whl";

/** A listing of one file that is too new until `at`. */
const listingUntil = (at: number): ProjectListing =>
  ({
    project: PROJECT,
    upstream: { config: { cooldown: at } },
    files: [
      {
        ...{ project: PROJECT, filename: FILENAME, sha256: "ab", firstSeen: 0, normal: true },
        ...{ version: "1.0", listed: {}, live: {} },
      },
    ],
  }) as unknown as ProjectListing;

const scene = () => {
  const verdicts = new Map<string, Partial<KeptVerdict>>();
  const clock = { now: 10 };
  let written = 0;
  const world = {
    state: { verdicts: async () => verdicts },
    now: () => clock.now,
    get config() {
      written += 1;
      return { mode: "enforce" };
    },
  } as unknown as GatewayWorld;
  const render = openRenderedPages(world);
  return { verdicts, clock, render, written: () => written };
};

test("a page that is as before is not written again", async () => {
  const { render, written } = scene();
  const listing = listingUntil(0);
  const first = await render(listing, "http://a", "json");
  assert.equal(await render(listing, "http://a", "json"), first);
  assert.equal(written(), 1);
  assert.match(await render(listing, "http://a", "html"), /<!DOCTYPE html>/);
  assert.equal(written(), 2);
  assert.equal(await render(listing, "http://a", "json"), first);
  assert.equal(written(), 2);
});

test("a page is written anew for another listing, address, verdict, and once a file is not too new", async () => {
  const { render, written, verdicts, clock } = scene();
  const listing = listingUntil(20);
  const yanked = async () =>
    JSON.parse(await render(listing, "http://b", "json")).files[0].yanked !== false;
  await render(listingUntil(20), "http://a", "json");
  await render(listing, "http://a", "json");
  assert.equal(await yanked(), true);
  assert.equal(written(), 3);
  clock.now = 19;
  assert.equal(await yanked(), true);
  assert.equal(written(), 3);
  clock.now = 20;
  assert.equal(await yanked(), false);
  assert.equal(written(), 4);
  verdicts.set(FILENAME, { filename: FILENAME, sha256: "ab", metadata: "cd" });
  const { files } = JSON.parse(await render(listing, "http://b", "json"));
  assert.deepEqual(files[0]["core-metadata"], { sha256: "cd" });
});
