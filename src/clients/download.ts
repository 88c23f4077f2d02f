import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { digestStream } from "../formats/artifact.ts";
import { hex } from "../formats/bytes.ts";
import { fail, failure, ok, type Result } from "../formats/result.ts";
import { authHeaders, type RegistryAuth } from "./credentials.ts";
import { exchangeWith, type ReadAnswer, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { registryFailure } from "./registry-answer.ts";

export type Download = {
  readonly url: string;
  /** Sent to the URL's own origin only. */
  readonly auth: RegistryAuth;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Where the file goes; it is there completely and with that digest, or not at all. */
  readonly path: string;
  readonly maxBytes: number;
  /** Whether it need not outlive a crash, so that nothing waits for the disk; its folder is there. */
  readonly fleeting?: boolean;
};

export type Downloaded = { readonly path: string; readonly size: number };

const TIMEOUT = 600_000;
const MAX_ERROR = 16 * 1024;
/** Bytes that are gathered for one write: answers come in far smaller pieces. */
const WRITE_SIZE = 256 * 1024;

type Written = { readonly sha256: string; readonly size: number } | "too-large";

/** Streams an answer into a new file. Throws where it breaks off. */
const writeAnswer = async (
  response: Response,
  temporary: string,
  { maxBytes, fleeting }: Download,
): Promise<Written> => {
  const file = await open(temporary, "w");
  let seen = 0;
  let waiting: Uint8Array[] = [];
  let held = 0;
  const write = async (): Promise<void> => {
    const gathered = Buffer.concat(waiting, held);
    [waiting, held] = [[], 0];
    if (gathered.length > 0) await file.writeFile(gathered);
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of response.body ?? []) {
      seen += chunk.length;
      if (seen > maxBytes) return;
      waiting.push(chunk);
      held += chunk.length;
      if (held >= WRITE_SIZE) await write();
      yield chunk;
    }
    await write();
  }
  try {
    const { digest, size } = await digestStream("sha256", chunks());
    if (seen > maxBytes) return "too-large";
    const declared = response.headers.get("content-length");
    const encoded = response.headers.has("content-encoding");
    if (declared !== null && !encoded && Number(declared) !== size) throw new Error("truncated");
    if (fleeting !== true) await file.sync();
    return { sha256: hex(digest), size };
  } finally {
    await file.close();
  }
};

const errorBody = async (response: Response): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    parts.push(chunk);
    size += chunk.length;
    if (size > MAX_ERROR) break;
  }
  return new Uint8Array(Buffer.concat(parts));
};

const reader =
  (download: Download, temporary: string): ReadAnswer<Downloaded> =>
  async (_request, { response, url }) => {
    if (response.status !== 200) {
      const { status, headers } = response;
      const answer = { status, headers, url, body: await errorBody(response) };
      return { ok: false, error: registryFailure(answer, download.auth, "REGISTRY_RESPONSE") };
    }
    const written = await writeAnswer(response, temporary, download);
    const shown = shownUrl(download.url);
    if (written === "too-large") {
      return fail("FORMAT_SIZE", `${shown} sent more than ${download.maxBytes} bytes`);
    }
    if (written.sha256 !== download.sha256) {
      const message = `${shown} has the digest ${written.sha256}, not ${download.sha256}`;
      return { ok: false, error: failure("INDEX_DIGEST", message) };
    }
    return ok({ path: download.path, size: written.size });
  };

let downloads = 0;

/**
 * Fetches a file to disk, streaming, with retries of a body that breaks off.
 * Fails with INDEX_DIGEST, FORMAT_SIZE, FILE_UNWRITABLE, REGISTRY_AUTH, REGISTRY_FORBIDDEN,
 * REGISTRY_NOT_FOUND, REGISTRY_RESPONSE, and as `exchange` does; nothing is left behind then.
 */
export const downloadFile = async (
  outside: Outside,
  download: Download,
): Promise<Result<Downloaded>> => {
  downloads += 1;
  const temporary = `${download.path}.${process.pid}.${downloads}.part`;
  let isMoved = false;
  try {
    if (download.fleeting !== true) await mkdir(dirname(download.path), { recursive: true });
    const fetched = await exchangeWith(
      outside,
      {
        method: "GET",
        url: download.url,
        headers: { accept: "*/*", ...authHeaders(download.auth) },
        maxBytes: download.maxBytes,
        timeout: TIMEOUT,
        service: "package index",
      },
      reader(download, temporary),
    );
    if (fetched.ok) {
      await rename(temporary, download.path);
      isMoved = true;
    }
    return fetched;
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    return fail("FILE_UNWRITABLE", `${download.path}: ${code}`);
  } finally {
    if (!isMoved) await rm(temporary, { force: true });
  }
};
