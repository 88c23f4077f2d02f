import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";
import { freePort, withDaemon } from "./daemon.ts";
import { followLog } from "./monitor.ts";
import { makeAuthority, makeCtKey, withCtLog, withFulcio } from "./real-authority.ts";
import { type Trillian, withDatabase, withTrillian } from "./real-log.ts";
import { succeeded, type World } from "./world.ts";

// The real Fulcio with a real CT log, Rekor on Trillian and MariaDB, and timestamp authority, with our
// issuer as their identity provider and our registry; our six stages run against them.

const EXAMPLE = fileURLToPath(new URL("../../examples/greeter/", import.meta.url));

export const withRekor = async <T>(
  world: World,
  log: Trillian,
  folder: string,
  work: (url: string) => Promise<T>,
) => {
  const port = await freePort();
  const args = [
    ...["serve", "--port", String(port), "--rekor_server.address", "127.0.0.1"],
    ...["--rekor_server.hostname", "rekor.local", "--rekor_server.signer", "memory"],
    ...["--trillian_log_server.address", "127.0.0.1", "--trillian_log_server.port"],
    ...[String(log.port), "--trillian_log_server.tlog_id", log.trees[1] ?? ""],
    ...["--enable_retrieve_api=false"],
  ];
  const url = `http://127.0.0.1:${port}`;
  const options = { cwd: folder, env: process.env };
  const daemon = { program: world.program("rekor-server"), args, url: `${url}/api/v1/log` };
  return withDaemon({ ...daemon, options }, () => work(url));
};

/** Its metrics are on a port that cannot be chosen, so it is started before Rekor, which can do without. */
const withTimestamps = async <T>(world: World, work: (url: string) => Promise<T>) => {
  const port = await freePort();
  const args = [
    ...["serve", "--host", "127.0.0.1", "--port", String(port)],
    ...["--timestamp-signer", "memory", "--disable-ntp-monitoring"],
  ];
  const url = `http://127.0.0.1:${port}/api/v1/timestamp`;
  const options = { cwd: world.folder, env: process.env };
  const daemon = { program: world.program("timestamp-server"), args, url: `${url}/certchain` };
  return withDaemon({ ...daemon, options }, () => work(url));
};

const download = async (url: string, file: string): Promise<string> => {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  await writeFile(file, await response.text());
  return file;
};

/** The six stages with the tutorial's variables, into our registry. */
const sixStages = async (
  world: World,
  name: string,
  variables: Readonly<Record<string, string>>,
) => {
  const head = await world.run("git", ["-C", EXAMPLE, "rev-parse", "HEAD"]);
  const sha = succeeded(head).stdout.trim();
  const env = {
    ...variables,
    SIGSTORE_ID_TOKEN: await world.token({ sha }),
    CERTIFICATE_IDENTITY: world.identity,
    CERTIFICATE_OIDC_ISSUER: world.issuer,
    CI_API_V4_URL: `${world.issuer}/api/v4`,
    CI_PROJECT_ID: "1",
    CI_JOB_TOKEN: world.stack.jobToken,
    CI_SERVER_URL: world.issuer,
  };
  const metadata = ["--set-metadata", "--name", name, "--version", "1.0.0"];
  const args = ["pipeline", EXAMPLE, "--profile", "gitlab", "--out", join(world.folder, "dist")];
  const ran = await world.wheelseal([...args, ...metadata, "--json"], { env, timeout: 300_000 });
  return JSON.parse(succeeded(ran).stdout);
};

export const REAL_SERVICES: readonly Check[] = [
  {
    peers: ["timestamp-server"],
    does: "stamps for our six stages, which trust it by its PEM chain",
    run: async (world) =>
      withTimestamps(world, async (tsa) => {
        const chain = await download(`${tsa}/certchain`, join(world.folder, "tsa.pem"));
        const report = await sixStages(world, "greeter-stamped", {
          FULCIO_URL: world.stack.urls.fulcio,
          REKOR_URL: world.stack.urls.rekor,
          TSA_URL: tsa,
          SIGSTORE_ROOT_FILE: world.trust("fulcio-chain.pem"),
          SIGSTORE_REKOR_PUBLIC_KEY: world.trust("rekor.pub"),
          SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: world.trust("ctfe.pub"),
          SIGSTORE_TSA_CERTIFICATE_FILE: chain,
        });
        assert.ok(report.ok, JSON.stringify(report));
      }),
  },
  {
    peers: ["fulcio", "ct_server", "rekor-server", "trillian", "timestamp-server", "mariadb"],
    does: "with the real CT log, Rekor, Trillian and timestamp authority serves our six stages, and we follow that Rekor",
    run: async (world) => {
      const folder = join(world.folder, "services");
      await mkdir(folder);
      await makeAuthority(world, folder);
      await makeCtKey(world, folder);
      await withDatabase(world, folder, (uri) =>
        withTrillian(world, uri, (log) =>
          withTimestamps(world, (tsa) =>
            withCtLog(world, log, folder, (ctlog) =>
              withFulcio(world, ctlog, folder, (fulcio) =>
                withRekor(world, log, folder, async (rekor) => {
                  const key = join(folder, "rekor.pub");
                  await download(`${rekor}/api/v1/log/publicKey`, key);
                  const chain = await download(`${tsa}/certchain`, join(folder, "tsa.pem"));
                  const trust = {
                    SIGSTORE_ROOT_FILE: join(folder, "chain.pem"),
                    SIGSTORE_REKOR_PUBLIC_KEY: key,
                    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: join(folder, "ct.pub"),
                    SIGSTORE_TSA_CERTIFICATE_FILE: chain,
                  };
                  const urls = { FULCIO_URL: fulcio, REKOR_URL: rekor, TSA_URL: tsa };
                  await sixStages(world, "greeter-real", { ...trust, ...urls });
                  const dist = join(world.folder, "dist");
                  await followLog(world, dist, ["--rekor-url", rekor], trust);
                }),
              ),
            ),
          ),
        ),
      );
    },
  },
];
