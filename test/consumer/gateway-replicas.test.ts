import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { GatewayEvent } from "../../src/consumer/gateway-state.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { main, openShell, plainEnvironment, type Shell } from "../cli/shell.ts";
import { openStack } from "../stages/sign-support.ts";
import { type OpenStack, type SignedFile, signWheel, wheelOf } from "./hostile-upstream.ts";
import { type Cluster, POSTGRES_MISSING, startCluster } from "./postgres-support.ts";

const digest = (content: Uint8Array) => hex(sha256(content));

/** An index of several projects, on a port of its own. */
const startUpstream = async (projects: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>) => {
  const changed = new Map<string, Uint8Array>();
  const server: Server = createServer((request, response) => {
    const [, area, project = "", filename] = (request.url ?? "").split("/");
    const files = projects.get(project);
    const content = filename && (changed.get(filename) ?? files?.get(filename));
    if (area === "files" && content) return void response.end(content);
    if (area !== "simple" || files === undefined) return void response.writeHead(404).end();
    response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
    const listed = [...files].map(([name, bytes]) => ({
      filename: name,
      url: `../../files/${project}/${name}`,
      hashes: { sha256: digest(bytes) },
    }));
    response.end(JSON.stringify({ meta: { "api-version": "1.0" }, name: project, files: listed }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/simple`,
    /** Other bytes than the page states. */
    changed,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

type Replica = { readonly index: string; readonly child: ChildProcess };

describe("two replicas over one database", { skip: POSTGRES_MISSING }, () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-replicas-"));
  const children = new Set<ChildProcess>();
  let shell: Shell;
  let opened: OpenStack;
  let cluster: Cluster;
  let url: string;

  before(async () => {
    shell = openShell();
    [opened, cluster] = await Promise.all([openStack(), startCluster()]);
    url = cluster.urlOf(cluster.database());
  });
  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await opened?.close();
    await cluster?.stop();
    rmSync(shell.folder, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = () => ({ ...plainEnvironment(), PGPASSWORD: cluster.password });

  const startReplica = async (store: string): Promise<Replica> => {
    const flags = ["--config", join(folder, "gateway.toml"), "--json", "--state", url];
    const trust = ["--trust-config", opened.stack.trustConfig, "--store", join(folder, store)];
    const args = ["--disable-warning=ExperimentalWarning", main, "gateway", ...flags, ...trust];
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    let said = "";
    child.stderr?.on("data", (text) => {
      said += text;
    });
    const line = await new Promise<string>((done, failed) => {
      child.stdout?.once("data", (text) => done(String(text)));
      child.once("close", () => failed(new Error(said)));
    });
    return { index: JSON.parse(line).index, child };
  };

  const trail = async (): Promise<GatewayEvent[]> => {
    const args = ["--disable-warning=ExperimentalWarning", main, "gateway", "audit"];
    const child = spawn(process.execPath, [...args, "--state", url], { env: environment() });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part) => parts.push(part));
    assert.equal(await new Promise((done) => child.once("close", done)), 0);
    return JSON.parse(Buffer.concat(parts).toString()).events;
  };

  test("agree under load and after a kill, and serve nothing else than what verified", async (context) => {
    const good = new Map<string, SignedFile>();
    const projects = new Map<string, Map<string, Uint8Array>>();
    const evidence = join(folder, "evidence");
    mkdirSync(evidence);
    const add = (project: string, file: SignedFile) => {
      const files = projects.get(project) ?? new Map<string, Uint8Array>();
      projects.set(project, files.set(file.filename, file.content));
      for (const [name, bytes] of file.evidence) writeFileSync(join(evidence, name), bytes);
    };
    const names = ["alpha", "beta", "gamma", "delta"];
    for (const name of names) {
      for (const version of ["1.0", "1.1"]) {
        const file = await signWheel(opened, name, version);
        good.set(file.filename, file);
        add(name, file);
      }
    }
    // Signed by nobody; changed after it was signed; signed by two that both want to be the first.
    add("beta", {
      filename: "beta-2.0-py3-none-any.whl",
      content: wheelOf("beta", "2.0"),
      evidence: new Map(),
    });
    const tampered = await signWheel(opened, "gamma", "2.0");
    add("gamma", { ...tampered, content: wheelOf("gamma", "2.0", "import os\n") });
    const rivals = [
      await signWheel(opened, "rivals", "1.0"),
      await signWheel(opened, "rivals", "1.1", { project: "evil/packages" }),
    ];
    for (const file of rivals) add("rivals", file);
    const upstream = await startUpstream(projects);
    context.after(upstream.close);
    const broken = "delta-1.1-py3-none-any.whl";
    upstream.changed.set(broken, wheelOf("delta", "1.1", "import os\n"));
    writeFileSync(
      join(folder, "gateway.toml"),
      `trust-on-first-use = true\nrefresh = "1s"\n[[upstreams]]\nname = "own"\nindex = "${upstream.url}"
evidence = "evidence"\nowns = ["*"]\n`,
    );

    const replicas = await Promise.all(["a", "b"].map(startReplica));
    const served = new Map<string, Set<string>>();
    let down = false;
    let answered = 0;
    const accept = { headers: { accept: "application/vnd.pypi.simple.v1+json" } };
    const visit = async ({ index }: Replica, project: string) => {
      const base = `${index}${project}/`;
      const page = await (await fetch(base, accept)).json();
      for (const { filename, url: link } of (page as { files: { filename: string; url: string }[] })
        .files) {
        const answer = await fetch(new URL(link, base));
        const content = new Uint8Array(await answer.arrayBuffer());
        answered += 1;
        if (answer.status !== 200) {
          assert.equal(answer.status, 403, `${filename}: ${answer.statusText}`);
          continue;
        }
        served.set(filename, (served.get(filename) ?? new Set()).add(digest(content)));
      }
    };
    const client = async (index: number) => {
      for (let round = 0; round < 6; round += 1) {
        const replica = replicas[(index + round) % replicas.length]!;
        const project = [...projects.keys()][(index * 3 + round) % projects.size]!;
        // A replica that is gone breaks off; a client asks the other one.
        await visit(replica, project).catch((error) => {
          if (!down || replica !== replicas[1] || error.code === "ERR_ASSERTION") throw error;
        });
        if (round === 2 && index === 0) {
          down = true;
          replicas[1]!.child.kill("SIGKILL");
        }
        if (round === 3 && index === 0) replicas[2] = await startReplica("b");
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, index) => client(index)));
    const alive = [replicas[0]!, replicas[2]!];
    for (const replica of alive) {
      for (const project of projects.keys()) await visit(replica, project);
    }
    assert.ok(answered > 100, `${answered} answers`);

    // Nobody got anything but what verified, and the replicas that are left agree.
    const publisher = served.has(rivals[0]!.filename) ? rivals[0]! : rivals[1]!;
    const expected = new Map([...good, [publisher.filename, publisher] as const]);
    expected.delete(broken);
    assert.deepEqual([...served.keys()].sort(), [...expected.keys()].sort());
    for (const [filename, digests] of served) {
      assert.deepEqual([...digests], [digest(expected.get(filename)!.content)], filename);
    }

    const events = await trail();
    for (const { filename } of expected.values()) {
      const about = events.filter((event) => event.filename === filename);
      assert.deepEqual(
        about.map(({ kind }) => kind),
        ["accepted"],
        filename,
      );
    }
    const refused = events.filter(({ kind }) => kind !== "accepted");
    const codes = new Map<string, Set<string | undefined>>();
    for (const { filename, code } of refused) {
      codes.set(filename, (codes.get(filename) ?? new Set()).add(code));
    }
    const loser = rivals.find((file) => file !== publisher)!;
    assert.deepEqual(
      new Map([...codes].map(([name, set]) => [name, [...set]])),
      new Map(
        refused
          .map(({ filename }) => filename)
          .map((name) => [
            name,
            [
              {
                [broken]: "INDEX_DIGEST",
                [tampered.filename]: "SIGNATURE_DIGEST",
                [loser.filename]: "GATEWAY_IDENTITY_CHANGED",
              }[name] ?? "GATEWAY_ATTESTATION_LOST",
            ],
          ]),
      ),
    );
    assert.equal(codes.size, 4);
    for (const { child } of alive) {
      const ended = new Promise((done) => child.once("close", done));
      child.kill("SIGTERM");
      assert.equal(await ended, 0);
    }
  });
});
