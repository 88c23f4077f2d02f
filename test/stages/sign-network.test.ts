import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { exitCodeOf } from "../../src/formats/exit-code.ts";
import { unwrap } from "../../src/formats/result.ts";
import { codeOf, openStack, outside, signFreshWith } from "./sign-support.ts";

const opened = await openStack();
const signFresh = signFreshWith(opened);

/** Each call of the stage, by the path that it asks for. */
const CALLS = [
  "/wheelseal/token",
  "/api/v2/signingCert",
  "/api/v1/log/entries",
  "/api/v1/timestamp",
];

type Fault = {
  readonly spoil: (answer: ServerResponse) => void;
  /** How often it may be tried. */
  readonly attempts: number;
  readonly exit: 1 | 3;
};

const again = (spoil: Fault["spoil"]): Fault => ({ spoil, attempts: 4, exit: 3 });
const once = (spoil: Fault["spoil"]): Fault => ({ spoil, attempts: 1, exit: 1 });

const FAULTS: Readonly<Record<string, Fault>> = {
  "hangs up": again((answer) => void answer.destroy()),
  "hangs up in the midst of the body": again((answer) => {
    answer.writeHead(200, { "content-length": "1000" });
    answer.write("{", () => answer.destroy());
  }),
  "asks for patience for ever": again((answer) => {
    answer.writeHead(429, { "retry-after": "1000000" }).end();
  }),
  "fails for ever": again((answer) => void answer.writeHead(503).end("{}")),
  "sends too much": once((answer) => {
    answer.writeHead(200);
    answer.on("error", () => undefined);
    answer.end(Buffer.alloc(8 * 1024 * 1024));
  }),
  "sends a page": once((answer) => {
    answer.writeHead(200, { "content-type": "text/html" }).end("<html>welcome</html>");
  }),
  "sends nothing": once((answer) => void answer.writeHead(200).end()),
  "redirects elsewhere": once((answer) => {
    answer.writeHead(307, { location: "http://127.0.0.2:1/other" }).end();
  }),
};

let server: Server;
let spoil: Fault["spoil"] = (answer) => void answer.end();
/** How often each request came; several files are signed at the same time. */
const asked = new Map<string, number>();
let origin = "";

before(async () => {
  server = createServer((request, answer) => {
    let body = "";
    request.setEncoding("latin1").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      asked.set(body, (asked.get(body) ?? 0) + 1);
      spoil(answer);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await opened.close();
});

for (const call of CALLS) {
  for (const [name, fault] of Object.entries(FAULTS)) {
    test(`${call} ${name}: told, nothing written, nothing told of secrets, and done again`, async () => {
      asked.clear();
      spoil = fault.spoil;
      const waits: number[] = [];
      const secrets: string[] = [opened.stack.tokenSecret];
      const world = {
        ...outside,
        sleep: async (wait: number) => void waits.push(wait),
        fetch: async (input: string | URL | Request, init?: RequestInit) => {
          const url = new URL(String(input));
          const text = typeof init?.body === "string" ? init.body : "";
          for (const [token] of text.matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g)) secrets.push(token);
          return url.pathname === call ? fetch(origin + url.pathname, init) : fetch(input, init);
        },
      };
      const { result, left, before: there, events, remove } = await signFresh({ world });
      assert.ok(!result.ok);
      assert.equal(exitCodeOf(result.error.code), fault.exit, codeOf(result));
      assert.ok(asked.size > 0);
      const most = Math.max(...asked.values());
      assert.equal(most, fault.attempts, `${most} attempts`);
      assert.ok(waits.every((wait) => wait <= 10_000));
      assert.deepEqual(left, there);
      const said = JSON.stringify([result, events]);
      for (const secret of secrets)
        assert.ok(!said.includes(secret.slice(-40)), "a secret is told");
      await remove();
      const healed = await signFresh({});
      unwrap(healed.result);
      await healed.remove();
    });
  }
}
