import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Invocation } from "../../src/cli/command.ts";
import { openStackConsole } from "../../src/cli/console-stack.ts";
import { readSettings } from "../../src/cli/settings.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { parseClientTrustConfig } from "../../src/formats/client-trust-config.ts";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { signWheel } from "../consumer/hostile-upstream.ts";
import { outside } from "../stages/sign-support.ts";

/** A stack with its console, in this process. */
const openStackWithConsole = async () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-console-"));
  const said: string[] = [];
  const terminal = {
    ...{ out: () => undefined, err: (text: string) => said.push(text), env: {}, cwd: folder },
    ...{ live: false, colour: false, columns: 80 },
  };
  const invocation: Invocation = { operands: [], flags: {}, terminal, outside, files: systemFiles };
  const settings = unwrap(
    await readSettings({ flags: {}, env: {}, project: folder, files: systemFiles }),
  );
  const start = async () =>
    unwrap(await startStack({ folder, console: openStackConsole(invocation, settings) }));
  const stack = await start();
  const config = unwrap(await systemFiles.read(stack.trustConfig, 1 << 22));
  const trust = unwrap(parseClientTrustConfig(config)).trustedRoot;
  return { folder, said, start, opened: { stack, trust, close: stack.close } };
};

describe("the console of the stack", () => {
  let scene: Awaited<ReturnType<typeof openStackWithConsole>>;
  let base: string;
  let close: () => Promise<void>;
  before(async () => {
    scene = await openStackWithConsole();
    base = scene.opened.stack.urls.gitlab;
    close = scene.opened.close;
  });
  after(async () => {
    await close();
    assert.deepEqual(scene.said, []);
    rmSync(scene.folder, { recursive: true, force: true });
  });

  const page = async (path: string, init: RequestInit = {}): Promise<string> =>
    (await fetch(`${base}/console/${path}`, init)).text();

  /** The page, once it says so: verification goes on behind it. */
  const pageWith = async (path: string, text: RegExp): Promise<string> => {
    for (let tries = 0; ; tries += 1) {
      const body = await page(path);
      if (text.test(body)) return body;
      if (tries > 200) assert.match(body, text);
      await new Promise((resume) => setTimeout(resume, 50));
    }
  };

  const publish = async (version: string, { project = "local/packages", sign = true } = {}) => {
    const { stack } = scene.opened;
    const file = await signWheel(scene.opened, "greeter", version, { project });
    const { filename, content, evidence } = file;
    const packages = `${base}/api/v4/projects/1/packages`;
    const login = Buffer.from(`gitlab-ci-token:${stack.jobToken}`).toString("base64");
    const headers = { authorization: `Basic ${login}` };
    const form = new FormData();
    form.append("name", "greeter");
    form.append("version", version);
    form.append("content", new Blob([new Uint8Array(content)]), filename);
    const uploaded = await fetch(`${packages}/pypi`, { method: "POST", body: form, headers });
    assert.equal(uploaded.status, 201);
    const put = async (): Promise<void> => {
      for (const [name, bytes] of evidence) {
        const url = `${packages}/generic/greeter/${version}/${name}`;
        const body = new Uint8Array(bytes);
        assert.equal((await fetch(url, { method: "PUT", body, headers })).status, 201);
      }
    };
    if (sign) await put();
    return { filename, put };
  };

  test("verifies a file when it is looked at, and again when evidence comes", async () => {
    const { filename, put } = await publish("1.0.0", { sign: false });
    const path = `packages/greeter/${filename}`;
    assert.match(await page(path), /EVIDENCE_MISSING/);
    assert.match(await page("packages"), /1 refused/);
    assert.match(await page("refusals"), /EVIDENCE_MISSING/);
    await put();
    assert.match(await pageWith(path, />verified</), /publish: \d+ checks passed/);
    await pageWith("packages", /<span class="tag">verified</);
    assert.match(await page(""), /verified as wheelseal consume would/);
  });

  test("a page hears of what changed after it was made, before it began to listen", async () => {
    const shown = await page("packages");
    const [, stream = ""] = /data-state="\/console\/(live\?after=[^"]+)"/.exec(shown) ?? [];
    await publish("1.0.1", { sign: false });
    await pageWith("packages", /1\.0\.1/);
    const heard = await fetch(`${base}/console/${stream}`);
    const reader = heard.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    assert.match(first, /event: changed/);
  });

  test("tells of another signer, and refuses what nobody expects", async () => {
    const { filename } = await publish("1.1.0", { project: "local/other" });
    assert.match(await pageWith("changes", /was signed by/), /local\/other/);
    assert.match(await page(`packages/greeter/${filename}`), /IDENTITY_/);
  });

  test("shows requests that a service refused, with the reason", async () => {
    const answer = await fetch(`${base}/api/v1/log/entries`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    assert.equal(answer.status, 400);
    assert.match(await page("refusals"), /POST \/api\/v1\/log\/entries.*HTTP 400/);
  });

  test("searches the log, and proves its consistency", async () => {
    assert.match(await pageWith("log", /Latest entries/), /Size of the log over time/);
    assert.match(await page("log?q=0"), /href="\/console\/log\/0"/);
    const entry = await page("log/0");
    assert.match(entry, /class="tag">included</);
    const digest = /q=([0-9a-f]{64})/.exec(entry)?.[1] ?? "";
    assert.match(
      await page(`log?q=sha256:${digest.toUpperCase()}`),
      /class="num" data-name="Entry"/,
    );
    assert.match(await page("log?first=1&second=4"), /class="tag">consistent</);
    assert.match(await page("log?first=4&second=1"), /TLOG_CONSISTENCY/);
    assert.match(await page("log?first=1&second=999"), /TLOG_CONSISTENCY/);
    assert.match(await page("log?q=nobody"), /Nothing\./);
  });

  test("answers nothing but reading, from nowhere but here, with a strict policy", async () => {
    const headers = (await fetch(`${base}/console/`)).headers;
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*|http/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("access-control-allow-origin"), null);
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      assert.equal((await fetch(`${base}/console/packages`, { method })).status, 405, method);
    }
    const foreign = { headers: { origin: "http://evil.test" } };
    assert.equal((await fetch(`${base}/console/live`, foreign)).status, 403);
    const { port } = new URL(base);
    const rebound = await new Promise<number | undefined>((done) => {
      const sent = ask({
        port,
        host: "127.0.0.1",
        path: "/console/",
        headers: { host: "evil.test" },
      });
      sent.once("response", (answer) => done(answer.resume().statusCode));
      sent.end();
    });
    assert.equal(rebound, 421);
  });

  for (const [path, status] of [
    ["nothing", 404],
    ["packages/none", 404],
    ["packages/greeter/none.whl", 404],
    ["log/999999", 404],
    ["log/-1", 404],
    ["signings/0", 404],
    ["packages/a/b/c", 404],
    ["%ff", 400],
    ["constructor", 404],
    ["packages?after=%00&before=-1&q=%F0%9F", 200],
    [`log?q=${"x".repeat(5000)}`, 200],
    ["signings?before=x", 200],
    ["style.css", 200],
    ["live.js", 200],
  ] as const) {
    test(`answers /console/${path.slice(0, 40)} with ${status}`, async () => {
      assert.equal((await fetch(`${base}/console/${path}`)).status, status);
    });
  }

  test("/ and /console lead to it, and HEAD has no body", async () => {
    for (const path of ["/", "/console"]) {
      const answer = await fetch(base + path, { redirect: "manual" });
      assert.equal(answer.headers.get("location"), "/console/");
    }
    const head = await fetch(`${base}/console/`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), "");
  });

  test("tells of changes while somebody listens, and lets them go when it ends", async () => {
    const live = await fetch(`${base}/console/live`);
    assert.equal(live.headers.get("content-type"), "text/event-stream; charset=utf-8");
    const from = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await from?.read())?.value ?? "", /event: hello/);
    await publish("1.2.0");
    assert.match((await from?.read())?.value ?? "", /event: changed/);
    await close();
    close = async () => undefined;
    // A stream that the listener had to cut off ends with an error instead.
    while ((await from?.read())?.done === false);
    const stack = await scene.start();
    close = stack.close;
    base = stack.urls.gitlab;
    assert.match(await page("packages/greeter"), /greeter-1\.2\.0/);
  });
});
