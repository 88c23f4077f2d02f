import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type OpenStack, signWheel } from "../consumer/hostile-upstream.ts";
import { openStack } from "../stages/sign-support.ts";
import { runCommand, temporary } from "./command.ts";

/** Secrets that stand where programs look for them. */
const SECRETS = {
  CI_JOB_TOKEN: "glcbt-5JobTokenThatNobodySees",
  GITLAB_TOKEN: "glpat-6PersonalThatNobodySees",
  DEPLOY_TOKEN: "gldt-7DeployTokenNobodySees",
  SIGSTORE_ID_TOKEN: "eyJhbGciOiJub25lIn0.eyJzdWIiOiI4VG9rZW4ifQ.OElkVG9rZW4",
  NETRC: "9PasswordOfNetrcNobodySees",
};
const USER = "gitlab-ci-token";
/** As they are, and as Basic has them. */
const forms = Object.values(SECRETS).flatMap((secret) => [secret, btoa(`${USER}:${secret}`)]);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
/** What a registry may do with the credentials that it is sent. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  "says them when it refuses": ({ rawHeaders }, response) => {
    const said = rawHeaders.join(" ");
    response.writeHead(403, { "x-said": said, "www-authenticate": `Basic realm="${said}"` });
    response.end(JSON.stringify({ message: said, error: said }));
  },
  "says them instead of a page": ({ rawHeaders }, response) =>
    void response
      .writeHead(200, { "content-type": "text/html" })
      .end(`<!doctype html><title>${rawHeaders.join(" ")}</title>`),
  "redirects, with them in the address": ({ headers }, response) => {
    const said = String(headers.authorization ?? headers["job-token"]);
    response.writeHead(302, { location: `${elsewhere}/a?said=${encodeURIComponent(said)}` }).end();
  },
};

let opened: OpenStack;
let registry: Server;
let other: Server;
let origin = "";
let elsewhere = "";
let answer: Answer = (_, response) => void response.end();
const asked: string[] = [];
const trapped: string[] = [];
const place = temporary();

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

before(async () => {
  opened = await openStack();
  registry = createServer((request, response) => {
    asked.push(request.rawHeaders.join(" "));
    request.resume().on("end", () => answer(request, response));
  });
  other = createServer((request, response) => {
    trapped.push(request.rawHeaders.join(" "));
    response.writeHead(404).end();
  });
  origin = await listen(registry);
  elsewhere = await listen(other);
  const { filename, content, evidence } = await signWheel(opened, "greeter", "1.0.0");
  mkdirSync(join(place.path, "dist"));
  for (const [name, bytes] of [[filename, content] as const, ...evidence])
    writeFileSync(join(place.path, "dist", name), bytes);
  writeFileSync(
    join(place.path, ".netrc"),
    `machine 127.0.0.1 login ${USER} password ${SECRETS.NETRC}\n`,
  );
});
after(async () => {
  for (const server of [registry, other]) {
    server?.closeAllConnections();
    server?.close();
  }
  await opened?.close();
  place.remove();
});

const COMMANDS = {
  publish: ["publish", "dist"],
  "publish-signatures": ["publish-signatures", "dist"],
  consume: ["consume", "greeter==1.0.0"],
} as const;

for (const [name, command] of Object.entries(COMMANDS)) {
  for (const [what, how] of Object.entries(ANSWERS)) {
    test(`${name}, of a registry that ${what}: no secret comes out`, async () => {
      asked.length = 0;
      answer = how;
      const api = `${origin}/api/v4`;
      const packages = `${api}/projects/1/packages`;
      const ended = await runCommand(
        [
          ...command,
          ...["--trust-config", opened.stack.trustConfig],
          ...["--certificate-oidc-issuer", opened.stack.urls.gitlab],
          "--certificate-identity",
          `${opened.stack.urls.gitlab.replace("http:", "https:")}/local/packages//.gitlab-ci.yml@refs/heads/main`,
          ...(name === "publish" ? ["--upload-url", `${packages}/pypi`] : []),
          ...["--index-url", `${packages}/pypi/simple`],
          ...["--generic-url", `${packages}/generic/greeter/1.0.0`],
          "--json",
        ],
        { cwd: place.path, env: { ...SECRETS, HOME: place.path, CI_API_V4_URL: api } },
      );
      assert.ok(ended.code === 1 || ended.code === 3, `${ended.code} ${ended.stderr}`);
      assert.ok(asked.length > 0 && asked.length <= 8, `${asked.length} requests ${ended.stderr}`);
      assert.ok(
        asked.some((headers) => forms.some((form) => headers.includes(form))),
        "the registry was sent no credentials",
      );
      const said = ended.stdout + ended.stderr + trapped.join(" ");
      const left = readdirSync(place.path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== ".netrc")
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
      for (const text of [said, ...left]) {
        const found = forms.filter((form) => text.includes(form));
        assert.deepEqual(found, [], ended.stderr);
      }
    });
  }
}
