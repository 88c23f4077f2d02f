import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import type { SignedFile } from "./hostile-upstream.ts";

/** A file that an upstream lists; `says` changes what the page says of it. */
export type ListedFile = Omit<SignedFile, "evidence"> & {
  readonly evidence?: SignedFile["evidence"];
  readonly says?: Readonly<Record<string, unknown>>;
};

/** An index of any projects with their evidence, on a port of its own, that does as it is told. */
export const startUpstream = async () => {
  const projects = new Map<string, Map<string, ListedFile>>();
  const paths: string[] = [];
  const upstream = {
    /** Every path that was asked for. */
    paths,
    /** Answers instead of the upstream, where it gives `true`. */
    instead: (_request: IncomingMessage, _response: ServerResponse): boolean => false,
    add: (project: string, file: ListedFile) => {
      const files = projects.get(project) ?? new Map<string, ListedFile>();
      projects.set(project, files.set(file.filename, file));
    },
    remove: (project: string, filename: string) => projects.get(project)?.delete(filename),
  };
  const page = (project: string, files: ReadonlyMap<string, ListedFile>): string =>
    JSON.stringify({
      meta: { "api-version": "1.0" },
      name: project,
      files: [...files.values()].map(({ filename, content, says }) => ({
        filename,
        url: `../../files/${project}/${filename}`,
        hashes: { sha256: hex(sha256(content)) },
        "upload-time": "2026-01-01T00:00:00Z",
        ...says,
      })),
    });
  const find = (path: string): Uint8Array | string | undefined => {
    const [, area, project = "", ...rest] = path.split("/").map(decodeURIComponent);
    const files = projects.get(project);
    const last = rest.at(-1) ?? "";
    if (files === undefined) return undefined;
    if (area === "simple") return page(project, files);
    if (area === "files") return files.get(last)?.content;
    if (area !== "generic") return undefined;
    return [...files.values()].map(({ evidence }) => evidence?.get(last)).find((one) => one);
  };
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    if (upstream.instead(request, response)) return;
    const body = find(request.url ?? "");
    if (body === undefined) return void response.writeHead(404).end();
    if (typeof body === "string") {
      response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
    }
    response.end(body);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return Object.assign(upstream, {
    origin,
    index: `${origin}/simple`,
    generic: `${origin}/generic`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
};

export type UpstreamServer = Awaited<ReturnType<typeof startUpstream>>;
