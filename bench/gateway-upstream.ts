import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

// node bench/gateway-upstream.ts FOLDER: an index of the wheels in a folder, as plain as can be,
// in a process of its own. Prints its URL.

const [folder = "."] = process.argv.slice(2);

type Wheel = { readonly filename: string; readonly sha256: string; readonly size: number };

const normal = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");

const projects = new Map<string, Wheel[]>();
const sizes = new Map<string, number>();
for (const filename of await readdir(folder)) {
  if (!filename.endsWith(".whl")) continue;
  const path = join(folder, filename);
  const sha256 = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  const { size } = await stat(path);
  const project = normal(filename.split("-")[0] ?? "");
  projects.set(project, [...(projects.get(project) ?? []), { filename, sha256, size }]);
  sizes.set(filename, size);
}

const page = (response: ServerResponse, project: string, wheels: readonly Wheel[]): void => {
  const files = wheels.map(({ filename, sha256, size }) => ({
    filename,
    url: `../../files/${filename}`,
    hashes: { sha256 },
    size,
    "upload-time": "2026-01-01T00:00:00Z",
  }));
  const versions = [...new Set(wheels.map(({ filename }) => filename.split("-")[1]))];
  response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
  response.end(JSON.stringify({ meta: { "api-version": "1.1" }, name: project, versions, files }));
};

const server = createServer((request, response) => {
  const [, area, name = ""] = (request.url ?? "").split("/").map(decodeURIComponent);
  const wheels = projects.get(name);
  const size = sizes.get(name);
  if (area === "simple" && wheels !== undefined) return page(response, name, wheels);
  if (area !== "files" || size === undefined) return void response.writeHead(404).end();
  response.setHeader("content-length", size);
  response.setHeader("content-type", "application/octet-stream");
  if (request.method === "HEAD") return void response.end();
  createReadStream(join(folder, name)).pipe(response);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`);
});
