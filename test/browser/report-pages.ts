import { spawnSync } from "node:child_process";
import { appendFile, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "../..");

const wheelseal = (cwd: string, ...args: string[]) =>
  spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(REPOSITORY, "src/cli/main.ts"), ...args],
    { cwd, encoding: "utf8", env: { ...process.env, NODE_TEST_CONTEXT: "" } },
  );

/** The example, run through the six stages on a stack of its own: once well, once refused. */
export const makeReports = async () => {
  // The panel's script as it is now, not as somebody made it before.
  spawnSync(process.execPath, [join(REPOSITORY, "packaging/panel.ts")]);
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-browser-"));
  const project = join(folder, "greeter");
  const filter = (path: string): boolean => !path.endsWith("/dist");
  await cp(join(REPOSITORY, "examples/greeter"), project, { recursive: true, filter });
  const state = ["--profile", "local", "--state", join(folder, "state")];
  const run = wheelseal(folder, "pipeline", "greeter", ...state);
  if (run.status !== 0) throw new Error(run.stderr);
  const dist = join(project, "dist");
  await cp(dist, join(folder, "good"), { recursive: true });
  const wheel = (await readdir(dist)).find((name) => name.endsWith(".whl")) ?? "";
  await appendFile(join(dist, wheel), "tampered with");
  const report = ["--report", join(folder, "refused")];
  wheelseal(folder, "verify", "greeter/dist", ...state, ...report);
  return {
    folder,
    wheel,
    good: join(folder, "good"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** Serves a folder's files on loopback, as the artifacts of a job are served. */
export const serveFolder = async (folder: string) => {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const content = await readFile(join(folder, path)).catch(() => undefined);
    response.statusCode = content === undefined ? 404 : 200;
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(content ?? "");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { base: `http://127.0.0.1:${port}`, close: () => server.close() };
};
