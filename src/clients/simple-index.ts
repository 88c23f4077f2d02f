import { type NormalizedName, parseName } from "../dists/name.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { authHeaders, NO_AUTH, type RegistryAuth } from "./credentials.ts";
import { type Downloaded, downloadFile } from "./download.ts";
import { exchange, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { registryFailure } from "./registry-answer.ts";
import { parseSimpleHtml } from "./simple-html.ts";
import { parseSimpleJson } from "./simple-json.ts";

/** One file that an index lists. Everything here is a claim of the index. */
export type IndexFile = {
  readonly filename: string;
  /** Absolute, without fragment. */
  readonly url: string;
  /** Lower-case hex; absent where the index states none. */
  readonly sha256?: string;
  readonly requiresPython?: string;
  /** The reason, perhaps empty; absent where the file is not yanked. */
  readonly yanked?: string;
  /** Whether core metadata is served at `url` + `.metadata`, and its SHA-256 where it is stated. */
  readonly coreMetadata?: { readonly sha256?: string };
  /** Absolute URL of PEP 740 provenance. */
  readonly provenance?: string;
  /** Bytes (PEP 700). */
  readonly size?: number;
  /** Milliseconds since 1970 (PEP 700). */
  readonly uploadTime?: number;
};

/** A project's page of a simple index (PEP 503, PEP 691). */
export type ProjectPage = {
  readonly name: NormalizedName;
  /** The URL that answered. */
  readonly url: string;
  readonly format: "json" | "html";
  readonly files: readonly IndexFile[];
};

export type SimpleIndex = {
  /**
   * The page of a project, asked for by its normalised name. Fails with DIST_NAME,
   * REGISTRY_AUTH, REGISTRY_FORBIDDEN, REGISTRY_NOT_FOUND, INDEX_FORMAT, and as `exchange` does.
   */
  project(name: string): Promise<Result<ProjectPage>>;
  /**
   * Fetches a listed file to `path`, complete and with the digest the index states, or not at
   * all. Fails with INDEX_DIGEST, also where no digest is stated, and as `downloadFile` does.
   * @param fleeting - it need not outlive a crash
   */
  download(
    file: IndexFile,
    path: string,
    maxBytes: number,
    fleeting?: boolean,
  ): Promise<Result<Downloaded>>;
  /** The PEP 740 provenance of a listed file, unparsed; `undefined` where the index has none. */
  provenance(file: IndexFile): Promise<Result<Uint8Array | undefined>>;
  /** The core metadata served beside a wheel (PEP 658); `undefined` where the index has none. */
  coreMetadata(file: IndexFile): Promise<Result<Uint8Array | undefined>>;
};

const ACCEPT = [
  "application/vnd.pypi.simple.v1+json",
  "application/vnd.pypi.simple.v1+html;q=0.2",
  "text/html;q=0.01",
].join(", ");

const MAX_PAGE = 32 * 1024 * 1024;

type Format = "json" | "html" | undefined;

const formatOf = (contentType: string | null): Format => {
  switch (contentType?.split(";")[0]?.trim().toLowerCase()) {
    case "application/vnd.pypi.simple.v1+json":
      return "json";
    case "application/vnd.pypi.simple.v1+html":
    case "text/html":
      return "html";
    default:
      return undefined;
  }
};

export type IndexAddress = { readonly url: string; readonly auth: RegistryAuth };

/** Files may lie elsewhere; credentials are for the index's own origin. */
const authFor = (index: IndexAddress, url: string): RegistryAuth =>
  URL.parse(url)?.origin === URL.parse(index.url)?.origin ? index.auth : NO_AUTH;

const PROVENANCE_TYPE = "application/vnd.pypi.integrity.v1+json";
const MAX_BESIDE = 16 * 1024 * 1024;

/** A small file that the index serves beside a listed one. */
const beside = async (
  outside: Outside,
  index: IndexAddress,
  url: string | undefined,
  accept: string,
): Promise<Result<Uint8Array | undefined>> => {
  if (url === undefined) return ok(undefined);
  const auth = authFor(index, url);
  const answer = await exchange(outside, {
    method: "GET",
    url,
    headers: { accept, ...authHeaders(auth) },
    maxBytes: MAX_BESIDE,
    service: "package index",
  });
  if (!answer.ok) return answer;
  return answer.value.status === 200
    ? ok(answer.value.body)
    : { ok: false, error: registryFailure(answer.value, auth, "REGISTRY_RESPONSE") };
};

/** @param index - `url` ends with `/simple`, or wherever projects are listed */
export const simpleIndex = (outside: Outside, index: IndexAddress): SimpleIndex => ({
  download: (file, path, maxBytes, fleeting = false) =>
    file.sha256 === undefined
      ? Promise.resolve(fail("INDEX_DIGEST", `the index states no sha256 for ${file.filename}`))
      : downloadFile(outside, {
          url: file.url,
          auth: authFor(index, file.url),
          sha256: file.sha256,
          path,
          maxBytes,
          fleeting,
        }),
  provenance: (file) => beside(outside, index, file.provenance, PROVENANCE_TYPE),
  coreMetadata: (file) =>
    beside(outside, index, file.coreMetadata && `${file.url}.metadata`, "*/*"),
  project: async (text) => {
    const name = parseName(text);
    if (!name.ok) return name;
    const url = `${index.url.replace(/\/+$/, "")}/${name.value}/`;
    const answer = await exchange(outside, {
      method: "GET",
      url,
      headers: { accept: ACCEPT, ...authHeaders(index.auth) },
      maxBytes: MAX_PAGE,
      service: "package index",
    });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) {
      return { ok: false, error: registryFailure(answer.value, index.auth, "REGISTRY_RESPONSE") };
    }
    // GitLab passes questions about names it does not have on to a public index: an answer from
    // there would let a stranger's package stand in for one's own.
    if (URL.parse(answer.value.url)?.origin !== URL.parse(url)?.origin) {
      const other = shownUrl(answer.value.url);
      return fail(
        "REGISTRY_NOT_FOUND",
        `${shownUrl(url)} has no such project and points to ${other}`,
      );
    }
    return readPage(name.value, answer.value);
  },
});

const readPage = (
  name: NormalizedName,
  answer: { readonly headers: Headers; readonly body: Uint8Array; readonly url: string },
): Result<ProjectPage> => {
  const contentType = answer.headers.get("content-type");
  const format = formatOf(contentType);
  const where = shownUrl(answer.url);
  if (format === undefined) {
    return fail("INDEX_FORMAT", `${where} is of type ${contentType?.slice(0, 80) ?? "none"}`);
  }
  const read = format === "json" ? parseSimpleJson : parseSimpleHtml;
  const files = read(name, answer.body, answer.url);
  if (!files.ok) return fail(files.error.code, `${where}: ${files.error.message}`);
  const names = new Set(files.value.map((file) => file.filename));
  if (names.size !== files.value.length) {
    return fail("INDEX_FORMAT", `${where} lists a file name twice`);
  }
  return ok({ name, url: answer.url, format, files: files.value });
};
