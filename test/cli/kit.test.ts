import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { buildTools } from "../../src/clients/build-tools.ts";
import { findPython } from "../../src/clients/python.ts";
import { unwrap } from "../../src/formats/result.ts";
import { forge } from "../consumer/kit-support.ts";
import { codeOf, runHere } from "../pipeline/in-process.ts";
import { SDIST, WHEEL } from "../stages/release-support.ts";
import { main, openShell, plainEnvironment } from "./shell.ts";
import { signRelease } from "./signed-release.ts";

/** Nothing here may ask a network: the stack that signed is gone. */
const shell = openShell({ PIP_CONFIG_FILE: "/dev/null" });
const { folder } = shell;
const release = await signRelease(folder);
await release.stack.close();
after(() => rmSync(folder, { recursive: true, force: true }));

const TRUST = "--trust-config trust.json";
const WHO = `--certificate-identity ${release.san} --certificate-oidc-issuer ${release.issuer}`;
const run = (line: string) => shell.run(`wheelseal kit ${line}`);

const made = run(`export site.kit dist ${TRUST} ${WHO}`);
const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const digestOf = (path: string) => hash(readFileSync(join(folder, path)));
const inKit = (path: string) =>
  hash(execFileSync("tar", ["xOf", join(folder, "site.kit"), `wheelseal-kit/${path}`]));

/** Runs a command in this process. */
const here = (line: string, env: Readonly<Record<string, string>> = {}) => {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)];
  return runHere(["kit", ...words.map(([, quoted, word]) => quoted ?? word ?? "")], {
    cwd: folder,
    env,
  });
};
const code = async (line: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const said = await here(line, env);
  return `${said.code} ${codeOf(said)}`;
};

test("export says what is in it, until when, and by which digests it can be pinned", () => {
  assert.equal(made.code, 0, made.output);
  assert.match(made.output, /^verified greeter-1\.0\.0-py3-none-any\.whl/m);
  assert.match(made.output, /^expires TIME\ntrust {3}sha256:DIGEST\n {8}trust\.json$/m);
});

test("verify takes this site's trust and whom it expects", async () => {
  const { out, err, code: exit } = await here(`verify site.kit ${TRUST} ${WHO}`);
  assert.equal(exit, 0, err);
  assert.match(out, /^verified greeter-1\.0\.0\.tar\.gz/m);
  assert.match(out, /^kit {5}sha256:[0-9a-f]{64}, made 20\S+\nexpires 20\S+Z$/m);
});

test("the trust root in a kit is not trusted for being there", async () => {
  assert.equal(await code(`verify site.kit ${WHO}`), "2 KIT_TRUST");
  assert.equal(await code(`import site.kit --to never ${WHO}`), "2 KIT_TRUST");
  assert.equal(
    await code(`verify site.kit ${WHO} --trust-sha256 ${"0".repeat(64)}`),
    "1 TRUST_PIN",
  );
  const pin = `--trust-sha256 ${inKit("trust/trusted_root.json")}`;
  assert.equal(await code(`verify site.kit ${WHO} ${pin}`), "0 none");
});

test("nor are those whom its policy names, unless its digest is pinned", async () => {
  assert.equal(await code(`verify site.kit ${TRUST}`), "2 IDENTITY_MISSING");
  const pin = `--policy-sha256 ${inKit("policy.json")}`;
  assert.equal(await code(`verify site.kit ${TRUST} ${pin}`), "0 none");
  assert.equal(
    await code(`verify site.kit ${TRUST} --policy-sha256 ${"0".repeat(64)}`),
    "1 KIT_POLICY",
  );
  assert.equal(await code(`verify site.kit ${TRUST} ${WHO} ${pin}`), "2 CONFIG");
  assert.equal(
    await code(`verify site.kit ${TRUST} ${WHO.replace("packages", "others")}`),
    "1 IDENTITY_MISMATCH",
  );
});

test("the kit itself can be pinned", async () => {
  const pin = `--kit-sha256 ${digestOf("site.kit")}`;
  assert.equal(await code(`verify site.kit ${TRUST} ${WHO} ${pin}`), "0 none");
  assert.equal(
    await code(`verify site.kit ${TRUST} ${WHO} --kit-sha256 ${"0".repeat(64)}`),
    "1 KIT_PIN",
  );
});

test("an expired kit is refused, unless somebody says why not", async () => {
  const old = await forge(readFileSync(join(folder, "site.kit")), ({ manifest }) => {
    manifest.createdAt = "2020-01-01T00:00:00Z";
    manifest.expiresAt = "2020-03-31T00:00:00Z";
  });
  writeFileSync(join(folder, "old.kit"), old);
  const line = `verify old.kit ${TRUST} ${WHO}`;
  assert.equal(await code(line), "1 KIT_EXPIRED");
  assert.equal(await code(`import old.kit --to never ${TRUST} ${WHO}`), "1 KIT_EXPIRED");
  assert.equal(await code(`${line} --accept-expired ' '`), "2 USAGE");
  const accepted = await here(`${line} --accept-expired 'no courier before May'`);
  assert.equal(accepted.code, 0, accepted.err);
  assert.match(accepted.out, /accepted all the same: no courier before May/);
  assert.equal(
    await code(`export late.kit dist ${TRUST} ${WHO}`, { SOURCE_DATE_EPOCH: "1" }),
    "2 USAGE",
  );
  assert.equal(await code(`export late.kit dist ${TRUST} ${WHO} --valid-for 2w`), "2 USAGE");
});

test("what was made at one time is the same kit", async () => {
  const when = { SOURCE_DATE_EPOCH: String(Math.floor(Date.now() / 1000)) };
  for (const name of ["one.kit", "two.kit"]) {
    assert.equal(await code(`export ${name} dist ${TRUST} ${WHO}`, when), "0 none");
  }
  assert.deepEqual(readFileSync(join(folder, "one.kit")), readFileSync(join(folder, "two.kit")));
});

test("nothing that does not verify is carried, and half a kit is never left", async () => {
  cpSync(release.dist, join(folder, "bad"), { recursive: true });
  rmSync(join(folder, "bad", `${SDIST}.sigstore.json`));
  assert.equal(await code(`export bad.kit bad ${TRUST} ${WHO}`), "1 EVIDENCE_MISSING");
  mkdirSync(join(folder, "empty"));
  assert.equal(await code(`export bad.kit empty ${TRUST} ${WHO}`), "1 DIST_EMPTY");
  assert.equal(await code(`export bad.kit dist dist ${TRUST} ${WHO}`), "2 USAGE");
  assert.equal(await code(`export bad.kit dist --lock pylock.toml ${TRUST} ${WHO}`), "2 USAGE");
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes("bad.kit")),
    [],
  );
});

test("nothing is unpacked before all of it verified", async () => {
  const forged = await forge(readFileSync(join(folder, "site.kit")), ({ files }) => {
    files.delete(`packages/${SDIST}.sigstore.json`);
  });
  writeFileSync(join(folder, "forged.kit"), forged);
  assert.equal(await code(`import forged.kit --to never ${TRUST} ${WHO}`), "1 EVIDENCE_MISSING");
  writeFileSync(join(folder, "cut.kit"), readFileSync(join(folder, "site.kit")).subarray(0, 9000));
  assert.equal(await code(`import cut.kit --to never ${TRUST} ${WHO}`), "1 KIT_FORMAT");
  assert.equal(await code(`import site.kit ${TRUST} ${WHO}`), "2 USAGE");
  assert.equal(await code(`import nothing.kit --to never ${TRUST} ${WHO}`), "1 FILE_UNREADABLE");
  const left = readdirSync(folder).filter((name) => name.includes("never"));
  assert.deepEqual(left, []);
});

const imported = run(`import site.kit --to site ${TRUST} ${WHO}`);

test("import leaves packages with their evidence, and the pages of an index", async () => {
  assert.equal(imported.code, 0, imported.output);
  assert.deepEqual(
    readFileSync(join(folder, "site/packages", WHEEL)),
    readFileSync(join(release.dist, WHEEL)),
  );
  const verify = ["verify", "site/packages", ...TRUST.split(" "), ...WHO.split(" ")];
  const verified = await runHere(verify, { cwd: folder });
  assert.equal(verified.code, 0, verified.err);
  const page = readFileSync(join(folder, "site/simple/greeter/index.html"), "utf8");
  assert.match(page, /data-requires-python="&#62;=3\.8"/);
  const receipt = JSON.parse(readFileSync(join(folder, "site/import.json"), "utf8"));
  assert.equal(receipt.kit, digestOf("site.kit"));
  assert.equal(await code(`import site.kit --to site ${TRUST} ${WHO}`), "1 KIT_TARGET");
  mkdirSync(join(folder, "made"));
  assert.equal(await code(`import site.kit --to made ${TRUST} ${WHO}`), "0 none");
});

test("pip installs from the folder, with no index", async () => {
  const env = plainEnvironment();
  const tools = unwrap(await buildTools(unwrap(await findPython({ environment: env })), env));
  const place = ["--no-index", "--find-links", "site/packages", "--target", "installed"];
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", ...place, "greeter"];
  execFileSync(tools, pip, { env, cwd: folder });
  assert.match(readFileSync(join(folder, "installed/greeter.py"), "utf8"), /hello/);
});

test("a gateway serves what was imported, by the pages and the evidence beside", async () => {
  const files = createServer((request, response) => {
    const path = join(folder, "site", decodeURIComponent(request.url ?? "/"));
    const page = path.endsWith("/") ? join(path, "index.html") : path;
    if (!existsSync(page)) return response.writeHead(404).end();
    const type = page.endsWith(".html") ? "text/html" : "application/octet-stream";
    return response.writeHead(200, { "content-type": type }).end(readFileSync(page));
  });
  await new Promise<void>((done) => files.listen(0, "127.0.0.1", done));
  const { port } = files.address() as AddressInfo;
  const config = [
    "[[upstreams]]",
    'name = "kit"',
    `index = "http://127.0.0.1:${port}/simple/"`,
    'evidence = "site/packages"',
    'owns = ["greeter"]',
    "[[policy.packages.greeter.identities]]",
    'kind = "exact"',
    `identity = "${release.san}"`,
    `issuer = "${release.issuer}"`,
  ];
  writeFileSync(join(folder, "gateway.toml"), config.join("\n"));
  const flags = ["--config", "gateway.toml", "--state", "state", "--trust-config", "trust.json"];
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, "gateway", ...flags],
    { cwd: folder, env: plainEnvironment() },
  );
  try {
    const index = await new Promise<string>((done) =>
      child.stdout.once("data", (text) => done(String(text).trim())),
    );
    const listing = await (await fetch(`${index}greeter/`)).text();
    const link = /href="([^"#]+\.whl)#/.exec(listing)?.[1] ?? "";
    const served = await fetch(new URL(link, `${index}greeter/`));
    assert.equal(served.status, 200, await served.clone().text());
    const bytes = Buffer.from(await served.arrayBuffer());
    assert.deepEqual(bytes, readFileSync(join(release.dist, WHEEL)));
  } finally {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    files.closeAllConnections();
    files.close();
  }
});
