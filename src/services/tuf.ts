import type { TufRepository } from "./tuf-repository.ts";

/** Where the repository is served, without a slash at the end. */
export const TUF_PATH = "/tuf";

const HEADERS = { "cache-control": "no-cache", "x-content-type-options": "nosniff" };

/** Serves the repository's files, each by its exact path. */
export const tufService = (repository: TufRepository) => ({
  fetch: async (request: Request): Promise<Response> => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(405, "files are only read here");
    }
    const { pathname } = new URL(request.url);
    const path = pathname.slice(`${TUF_PATH}/`.length);
    const bytes = repository.file(path);
    if (bytes === undefined) return answer(404, "the repository has no such file");
    const type = path.endsWith(".json") ? "application/json" : "application/octet-stream";
    const headers = {
      ...HEADERS,
      "content-type": type,
      "content-length": String(bytes.length),
    };
    return new Response(request.method === "HEAD" ? null : new Uint8Array(bytes), { headers });
  },
});

const answer = (code: number, message: string): Response =>
  Response.json({ code, message }, { status: code });
