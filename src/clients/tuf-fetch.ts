import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fetcher } from "tuf-js";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { MAX_TUF_BYTES, parseTufMetadata, type TufKind } from "../formats/tuf.ts";
import { exchange, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";

/** How the updater downloads, and why it could not. */
export type TufFetch = Fetcher & {
  /** The failure that a download was ended with; the updater only tells that there was one. */
  readonly failed: () => Failure | undefined;
};

type Options = {
  /** The repository's base URL, with a slash at the end; nothing is fetched from elsewhere. */
  readonly base: string;
  /** Folder for files that are being downloaded. */
  readonly folder: string;
  readonly attempts: number;
  /** Made by the updater's library, which knows by its class that a file is not there. */
  readonly absent: (status: number) => Error;
};

const TIMEOUT = 10_000;
const DOCUMENT = /^(?:\d+\.)?(root|timestamp|snapshot|targets)\.json$/;
const TARGET = /^targets\/[0-9a-f]+\.[a-z0-9_.]+$/;

/**
 * Downloads through `outside`, capped, and reads every metadata document strictly before the
 * updater sees it.
 */
export const tufFetch = (outside: Outside, options: Options): TufFetch => {
  let failed: Failure | undefined;
  const download = async (url: string, maxLength: number): Promise<Uint8Array> => {
    const bytes = await get(outside, url, maxLength, options);
    if (!bytes.ok) {
      failed = bytes.error;
      throw new Error(bytes.error.message);
    }
    return bytes.value;
  };
  return {
    failed: () => failed,
    downloadBytes: async (url, maxLength) => Buffer.from(await download(url, maxLength)),
    downloadFile: async (url, maxLength, handler) => {
      const path = join(options.folder, "download");
      await writeFile(path, await download(url, maxLength));
      return handler(path);
    },
  };
};

const get = async (
  outside: Outside,
  url: string,
  maxLength: number,
  { base, attempts, absent }: Options,
): Promise<Result<Uint8Array>> => {
  const path = url.startsWith(base) ? url.slice(base.length) : "";
  const kind = DOCUMENT.exec(path)?.[1] as TufKind | undefined;
  if (kind === undefined && !TARGET.test(path)) {
    return fail("TUF_INVALID", `the repository's documents lead to ${shownUrl(url)}`);
  }
  const maxBytes = kind === undefined ? maxLength : Math.min(maxLength, MAX_TUF_BYTES[kind]);
  const service = "TUF repository";
  const request = { method: "GET", url, maxBytes, timeout: TIMEOUT, attempts, service } as const;
  const answer = await exchange(outside, request);
  if (!answer.ok) {
    const oversized = answer.error.code === "FORMAT_SIZE";
    return oversized ? fail("TUF_INVALID", answer.error.message) : answer;
  }
  const { status, body } = answer.value;
  if (kind === "root" && (status === 404 || status === 403)) throw absent(status);
  if (status !== 200) {
    const message = `the ${service} at ${shownUrl(url)} answered with status ${status}`;
    return { ok: false, error: failure("NETWORK_RESPONSE", message) };
  }
  const parsed = kind === undefined ? ok(undefined) : parseTufMetadata(body, kind);
  return parsed.ok
    ? ok(body)
    : fail(parsed.error.code, `${shownUrl(url)}: ${parsed.error.message}`);
};
