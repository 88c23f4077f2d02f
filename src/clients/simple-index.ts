import { type NormalizedName, parseName } from "../dists/name.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { authHeaders, type RegistryAuth } from "./credentials.ts";
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

/** @param index - `url` ends with `/simple`, or wherever projects are listed */
export const simpleIndex = (
  outside: Outside,
  index: { readonly url: string; readonly auth: RegistryAuth },
): SimpleIndex => ({
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
