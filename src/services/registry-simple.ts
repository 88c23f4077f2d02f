import { parseAccept } from "../formats/accept.ts";
import type { RegistryFile } from "./registry-store.ts";

export const SIMPLE_JSON = "application/vnd.pypi.simple.v1+json";
const SIMPLE_LATEST_JSON = "application/vnd.pypi.simple.latest+json";
const SIMPLE_HTML = "application/vnd.pypi.simple.v1+html";

/** One file of a project's page, with everything that links need. */
export type Listed = {
  readonly file: RegistryFile;
  /** Absolute, without fragment. */
  readonly url: string;
  /** Absolute; only where the file has attestations (PEP 740). */
  readonly provenance?: string;
};

export type SimpleFormat = "json" | "html" | "none";

const JSON_TYPES = [SIMPLE_JSON, SIMPLE_LATEST_JSON, "application/json"];
const HTML_TYPES = [SIMPLE_HTML, "text/html", "text/*", "*/*", "application/*"];

/** Content negotiation of PEP 691: HTML for whoever does not ask for better. */
export const negotiate = (accept: string | null): SimpleFormat => {
  const wanted = parseAccept(accept === null || accept.trim() === "" ? "text/html" : accept);
  const best = (types: readonly string[]): number =>
    Math.max(0, ...wanted.filter((one) => types.includes(one.type)).map((one) => one.quality));
  const json = best(JSON_TYPES);
  const html = best(HTML_TYPES);
  if (json === 0 && html === 0) return "none";
  return json >= html ? "json" : "html";
};

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? "");

/** The page layout of GitLab. */
const page = (title: string, links: readonly string[]): string => `<!DOCTYPE html>
<html>
  <head>
    <meta name="pypi:repository-version" content="1.3">
    <title>Links for ${escapeHtml(title)}</title>
  </head>
  <body>
    <h1>Links for ${escapeHtml(title)}</h1>
    ${links.join("\n    ")}
  </body>
</html>
`;

const attributes = ({ file, provenance }: Listed): Record<string, string> => ({
  "data-requires-python": file.requiresPython ?? "",
  ...(file.metadata === null
    ? {}
    : {
        "data-core-metadata": `sha256=${file.metadata}`,
        "data-dist-info-metadata": `sha256=${file.metadata}`,
      }),
  ...(provenance === undefined ? {} : { "data-provenance": provenance }),
});

const link = (listed: Listed): string => {
  const rest = Object.entries(attributes(listed))
    .map(([name, value]) => ` ${name}="${escapeHtml(value)}"`)
    .join("");
  const href = `${listed.url}#sha256=${listed.file.sha256}`;
  return `<a href="${escapeHtml(href)}"${rest}>${escapeHtml(listed.file.fileName)}</a><br>`;
};

/** PEP 503 page of one project. */
export const projectHtml = (name: string, files: readonly Listed[]): string =>
  page(name, files.map(link));

/** PEP 503 page of all projects. */
export const rootHtml = (title: string, names: ReadonlyMap<string, string>): string =>
  page(
    title,
    [...names].map(([name, url]) => `<a href="${escapeHtml(url)}">${escapeHtml(name)}</a><br>`),
  );

/** The document of one project: PEP 691 with the fields of PEP 700, 714 and 740. */
export const projectJson = (normalized: string, files: readonly Listed[]): unknown => ({
  meta: { "api-version": "1.3" },
  name: normalized,
  versions: [...new Set(files.map(({ file }) => file.version))],
  files: files.map(({ file, url, provenance }) => ({
    filename: file.fileName,
    url,
    hashes: { sha256: file.sha256 },
    size: file.size,
    "upload-time": new Date(file.createdAt).toISOString(),
    yanked: false,
    ...(file.requiresPython === null ? {} : { "requires-python": file.requiresPython }),
    "core-metadata": file.metadata === null ? false : { sha256: file.metadata },
    provenance: provenance ?? null,
  })),
});

export const rootJson = (names: Iterable<string>): unknown => ({
  meta: { "api-version": "1.3" },
  projects: [...names].map((name) => ({ name })),
});
