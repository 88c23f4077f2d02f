import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchWheel } from "./gateway-wheel.ts";

// How much memory the gateway takes while many clients download a large wheel at the same time,
// the first of them before it was verified.
//
//   npx node bench/gateway-memory.ts [--clients 100] [--megabytes 50]

const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const UPSTREAM = fileURLToPath(new URL("gateway-upstream.ts", import.meta.url));

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "100" },
    megabytes: { type: "string", default: "50" },
  },
});
const clients = Number(values.clients);

const root = await mkdtemp(join(tmpdir(), "wheelseal-bench-"));
const children: ReturnType<typeof spawn>[] = [];

const start = async (args: readonly string[]): Promise<{ pid: number; line: string }> => {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  const line = await new Promise<string>((done, failed) => {
    child.stdout?.once("data", (text) => done(String(text).trim()));
    child.once("close", () => failed(new Error(`${args[0]} ended`)));
  });
  return { pid: child.pid ?? 0, line };
};

/** The most that the process ever had in memory, in MB; where the kernel tells it. */
const peakOf = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1000;
};

/** Reads an answer as a slow client does, and gives its digest. */
const download = (url: URL): Promise<string> =>
  new Promise((done, failed) => {
    get(url, { agent: false }, (response) => {
      const hash = createHash("sha256");
      response.on("data", (chunk) => hash.update(chunk));
      response.on("end", () => done(hash.digest("hex")));
      response.on("error", failed);
    }).on("error", failed);
  });

try {
  await mkdir(join(root, "wheels"));
  const { filename, content } = benchWheel(Number(values.megabytes));
  await writeFile(join(root, "wheels", filename), content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const { line: index } = await start([UPSTREAM, join(root, "wheels")]);
  const config = `[[upstreams]]\nname = "bench"\nindex = "${index}"\nowns = ["*"]
[policy.packages.large]\npins = ["sha256:${sha256}"]\n`;
  await writeFile(join(root, "gateway.toml"), config);
  const { pid, line } = await start([MAIN, "gateway", "--config", "gateway.toml", "--state", "s"]);
  const url = new URL(`../files/large/${sha256}/${filename}`, line);
  const idle = await peakOf(pid);
  const began = performance.now();
  const digests = await Promise.all(Array.from({ length: clients }, () => download(url)));
  const seconds = (performance.now() - began) / 1000;
  const whole = digests.filter((digest) => digest === sha256).length;
  const peak = await peakOf(pid);
  console.log(
    `${whole} of ${clients} downloads of ${values.megabytes} MB whole in ${seconds.toFixed(1)} s; ` +
      `the gateway's memory: ${idle.toFixed(0)} MB at first, ${peak.toFixed(0)} MB at most`,
  );
  process.exitCode = whole === clients && peak < 400 ? 0 : 1;
} finally {
  for (const child of children) child.kill("SIGTERM");
  await rm(root, { recursive: true, force: true });
}
