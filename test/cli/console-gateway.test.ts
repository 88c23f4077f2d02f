import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openGatewayConsole } from "../../src/cli/console-gateway.ts";
import type { OpenedWorld } from "../../src/cli/gateway-setup.ts";
import { StateUnreachable } from "../../src/consumer/gateway-state.ts";
import { gatewayFor } from "../consumer/gateway-support.ts";
import {
  hostileUpstream,
  type OpenStack,
  OWN_PROJECT,
  signWheel,
} from "../consumer/hostile-upstream.ts";
import { openStack } from "../stages/sign-support.ts";

describe("the console of the gateway", () => {
  let opened: OpenStack;
  let gateway: Awaited<ReturnType<typeof gatewayFor>>;
  let upstream: ReturnType<typeof hostileUpstream>;
  let world: OpenedWorld;
  let shown: Awaited<ReturnType<typeof openGatewayConsole>>;
  before(async () => {
    opened = await openStack();
    upstream = hostileUpstream();
    upstream.add(await signWheel(opened, "greeter", "1.0.0"));
    upstream.add(await signWheel(opened, "greeter", "1.1.0", { project: "local/other" }));
    const waiver = {
      ...{ package: "greeter", waives: ["publish"], reason: "old <b>builder</b>", owner: "ops" },
      expires: "2020-01-31",
    };
    const own = OWN_PROJECT(opened.stack.urls.gitlab);
    gateway = await gatewayFor(opened, upstream, { policy: { ...own, waivers: [waiver] } });
    world = { ...gateway.world, folder: gateway.folder };
    shown = await openGatewayConsole(world);
  });
  after(async () => {
    await shown?.close();
    await gateway?.remove();
    await opened?.close();
  });

  const get = (path: string): Promise<Response> =>
    shown.fetch(new Request(`http://gateway.test/console/${path}`));
  const page = async (path: string): Promise<string> => (await get(path)).text();

  test("shows what was served and what was refused, with the reason", async () => {
    assert.match(await page("packages"), /There are no packages yet/);
    assert.equal((await gateway.get("greeter-1.0.0-py3-none-any.whl")).status, 200);
    assert.equal((await gateway.get("greeter-1.1.0-py3-none-any.whl")).status, 403);
    assert.match(await page("packages"), /1 refused/);
    assert.match(await page("refusals"), /<strong>IDENTITY_[A-Z]+<\/strong>/);
    const refused = await page("packages/greeter/greeter-1.1.0-py3-none-any.whl");
    assert.match(refused, /class="tag bad">refused</);
    assert.match(await page("packages/greeter"), /Publisher that is expected: .*local\/packages/);
  });

  test("shows who signed a file, how and when, and finds it by its entry and digest", async () => {
    const card = await page("packages/greeter/greeter-1.0.0-py3-none-any.whl");
    assert.match(card, /class="tag">verified</);
    assert.match(card, /<h3>bundle <span class="tag">good</);
    assert.match(card, /local\/packages\/\/\.gitlab-ci\.yml@refs\/heads\/main/);
    const [, digest = ""] = /q=([0-9a-f]{64})/.exec(card) ?? [];
    assert.match(await page(`log?q=${digest}`), /Files with this digest/);
    const [, entry = ""] = /log entry<\/dt><dd><code>(\d+)/.exec(card) ?? [];
    assert.match(await page(`log?q=${entry}`), /class="num" data-name="Entry"/);
    assert.match(await page("signings"), /local\/packages/);
    assert.doesNotMatch(await page("signings"), /local\/other/);
  });

  test("says when a waiver is over", async () => {
    const waivers = await page("waivers");
    assert.match(waivers, /class="tag bad">over</);
    assert.match(waivers, /old &lt;b&gt;builder/);
  });

  test("shows what another replica put on the trail", async () => {
    const about = { project: "greeter", filename: "greeter-9.whl", sha256: "ff" };
    const alarm = { ...about, kind: "alarm" as const, at: 1, message: "<i>the other</i>" };
    await world.state.record({ ...alarm, code: "GATEWAY_IDENTITY_CHANGED" });
    const changes = await page("changes");
    assert.match(changes, /GATEWAY_IDENTITY_CHANGED/);
    assert.match(changes, /&lt;i&gt;the other/);
  });

  test("tells whoever listens of each decision", async () => {
    const from = (await get("live")).body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await from?.read())?.value ?? "", /event: hello/);
    upstream.add(await signWheel(opened, "greeter", "1.2.0"));
    assert.equal((await gateway.get("greeter-1.2.0-py3-none-any.whl")).status, 200);
    assert.match((await from?.read())?.value ?? "", /event: changed/);
    await from?.cancel();
  });

  test("has the same lists after a restart, and counts nothing twice", async () => {
    const lists = async (): Promise<string | undefined> =>
      /<main.*<\/main>/s.exec(await page("signings"))?.[0];
    const before = await lists();
    assert.match(before ?? "", /By identity/);
    await shown.close();
    shown = await openGatewayConsole(world);
    assert.equal(await lists(), before);
  });

  test("answers 503 while its memory does not answer, and says no more than that", async () => {
    const broken = {
      ...world,
      folder: `${gateway.folder}/store`,
      state: { ...world.state, publisher: () => Promise.reject(new StateUnreachable("secret")) },
      policy: { ...world.policy, policy: { ...world.policy.policy, packages: new Map() } },
    };
    const other = await openGatewayConsole(broken);
    const answer = await other.fetch(new Request("http://gateway.test/console/packages/greeter"));
    assert.equal(answer.status, 503);
    assert.doesNotMatch(await answer.text(), /secret/);
    await other.close();
  });
});
