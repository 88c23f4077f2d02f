import { appendFile, cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportPrivateKey, generateKey, type PublicKey } from "../../src/crypto/keys.ts";
import { base64 } from "../../src/formats/bytes.ts";
import { noteKeyId } from "../../src/formats/checkpoint.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { listen } from "../../src/services/listener.ts";
import type { Check } from "./check.ts";
import { freePort, withDaemon } from "./daemon.ts";
import { followLog } from "./monitor.ts";
import { isVersion2 } from "./rekor-v2.ts";
import { refused, succeeded, type World } from "./world.ts";

// The real Rekor v2, in its form that needs no database. It answers when its next checkpoint is out.

/** The stack's trust, and this log besides. */
const trustWith = async (world: World, url: string, origin: string, key: PublicKey) => {
  const config = JSON.parse(await readFile(world.trust("client-trust-config.json"), "utf8"));
  const [known] = config.trustedRoot.tlogs;
  const { validFor } = known.publicKey;
  config.trustedRoot.tlogs.push({
    ...known,
    baseUrl: url,
    publicKey: { rawBytes: base64(key.spki), keyDetails: "PKIX_ED25519", validFor },
    logId: { keyId: base64(noteKeyId(origin, key)) },
  });
  const file = join(world.folder, `trust-${new URL(url).port}.json`);
  await writeFile(file, JSON.stringify(config));
  return file;
};

/** The log leaves it to a file server to give out what it has written. */
const withTiles = async (folder: string, work: (url: string) => Promise<void>): Promise<void> => {
  const listener = unwrap(await listen(0));
  listener.serve(async (request) => {
    const path = new URL(request.url).pathname.replace(/^\/api\/v2\//, "");
    const bytes = await readFile(join(folder, path)).catch(() => undefined);
    return bytes === undefined ? new Response("", { status: 404 }) : new Response(bytes);
  });
  try {
    await work(`http://127.0.0.1:${listener.port}`);
  } finally {
    await listener.close();
  }
};

export const REKOR_TILES: readonly Check[] = [
  {
    peers: ["rekor-tiles"],
    does: "takes our bundles into its log, and we verify them by its checkpoint, and follow it by its tiles",
    run: async (world) => {
      const key = generateKey("ed25519");
      const keyFile = join(world.folder, "log.pem");
      await writeFile(keyFile, formatPem("PRIVATE KEY", exportPrivateKey(key)));
      const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
      const url = `http://127.0.0.1:${http}`;
      const ports = ["--http-port", `${http}`, "--grpc-port", `${grpc}`];
      const log = ["--hostname", "127.0.0.1", "--signer-filepath", keyFile];
      const kept = ["--storage-dir", join(world.folder, "log"), "--checkpoint-interval", "1s"];
      const args = ["serve", ...log, ...kept, ...ports, "--http-metrics-port", `${metrics}`];
      const trust = await trustWith(world, url, "127.0.0.1", key.publicKey);
      const dist = join(world.folder, "dist");
      await cp(world.release.folder, dist, { recursive: true });
      const options = { cwd: world.folder, env: process.env };
      await withDaemon({ program: world.program("rekor-tiles"), args, url, options }, async () => {
        const stack = ["--profile", "local", "--state", world.stack.state, "--trust-config", trust];
        const services = ["--rekor-v2-url", url, "--tsa-url", world.stack.urls.tsa];
        succeeded(await world.wheelseal(["sign", dist, "--force", ...stack, ...services]));
        const wheel = join(dist, world.release.wheel);
        await isVersion2(`${wheel}.sigstore.json`);
        const verify = () => world.wheelseal(["verify", dist, "--offline", ...stack]);
        succeeded(await verify());
        await withTiles(join(world.folder, "log"), async (tiles) => {
          const follow = await trustWith(world, tiles, "127.0.0.1", key.publicKey);
          await followLog(world, dist, ["--rekor-v2-url", tiles, "--trust-config", follow]);
        });
        await appendFile(wheel, "x");
        refused(await verify(), /error\[/);
      });
    },
  },
];
