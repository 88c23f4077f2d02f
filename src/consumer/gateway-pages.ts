import { parseAccept } from "../formats/accept.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { coolAt } from "./gateway-decide.ts";
import type { ListedFile, ProjectListing } from "./gateway-listing.ts";
import type { KeptVerdict, ProjectVerdicts } from "./gateway-state.ts";
import type { GatewayWorld } from "./gateway-world.ts";

export const SIMPLE_JSON = "application/vnd.pypi.simple.v1+json";
const SIMPLE_HTML = "application/vnd.pypi.simple.v1+html";

/** One file on a page of the gateway. */
type Link = {
  readonly filename: string;
  /** Relative to the project's page. */
  readonly url: string;
  readonly sha256: string;
  readonly size: number | undefined;
  readonly uploadTime: number;
  readonly requiresPython: string | undefined;
  readonly yanked: string | undefined;
  /** Digest of the metadata that was found in the verified wheel; `true` before it was looked at. */
  readonly metadata: string | true | undefined;
  /** Absolute (PEP 740). */
  readonly provenance: string | undefined;
};

/**
 * A file that must not be chosen unasked is marked as yanked, with the reason: one that is gone
 * upstream, or still too new. One that was refused is not, since installers would then silently
 * take an older one; who asks for it is told.
 */
const yankedOf = (
  world: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
): string | undefined => {
  if (file.live === undefined) return "listed no more by the upstream";
  if (file.live.yanked !== undefined) return file.live.yanked;
  const at = coolAt(listing, file);
  return world.now() < at ? `too new: served from ${rfc3339(at)} on` : undefined;
};

/**
 * Whether metadata can be asked for before the wheel was: the answer waits for the wheel to verify,
 * or is its refusal. Spares installers from looking for it in the wheel, range by range. In a dry
 * run there may be none to give; nor is there for a name that is not read strictly.
 */
const isPromised = ({ config }: GatewayWorld, { filename, live, normal }: ListedFile): boolean =>
  config.mode === "enforce" && live !== undefined && normal && filename.endsWith(".whl");

/** The links of a project's page; `origin` is where the client reached the gateway. */
export const linksOf = (
  world: GatewayWorld,
  listing: ProjectListing,
  verdicts: ProjectVerdicts,
  origin: string,
): readonly Link[] =>
  listing.files.map((file) => {
    const found = verdicts.get(file.filename);
    const good = found?.refusal === undefined && found?.sha256 === file.sha256;
    const kept: KeptVerdict | undefined = good ? found : undefined;
    const name = encodeURIComponent(file.filename);
    return {
      filename: file.filename,
      url: `../../files/${file.project}/${file.sha256 || "-"}/${name}`,
      sha256: file.sha256,
      size: kept?.size ?? file.listed.size,
      uploadTime: file.firstSeen,
      requiresPython: file.listed.requiresPython,
      yanked: yankedOf(world, listing, file),
      metadata: kept === undefined ? isPromised(world, file) || undefined : kept.metadata,
      provenance:
        kept?.provenance === undefined || file.version === undefined
          ? undefined
          : `${origin}/integrity/${file.project}/${encodeURIComponent(file.version)}/${name}/provenance`,
    };
  });

/** PEP 691 with the fields of PEP 700, 714 and 740; without sizes it can only be version 1.0. */
export const projectJson = (listing: ProjectListing, links: readonly Link[]): string => {
  const sized = links.every(({ size }) => size !== undefined);
  const versions = new Set(listing.files.flatMap(({ version }) => version ?? []));
  return JSON.stringify({
    meta: { "api-version": sized ? "1.3" : "1.0" },
    name: listing.project,
    ...(sized ? { versions: [...versions] } : {}),
    files: links.map((link) => ({
      filename: link.filename,
      url: link.url,
      hashes: link.sha256 === "" ? {} : { sha256: link.sha256 },
      ...(link.size === undefined ? {} : { size: link.size }),
      "upload-time": rfc3339(link.uploadTime),
      ...(link.requiresPython === undefined ? {} : { "requires-python": link.requiresPython }),
      yanked: link.yanked === undefined ? false : link.yanked || true,
      "core-metadata":
        typeof link.metadata === "string" ? { sha256: link.metadata } : link.metadata === true,
      provenance: link.provenance ?? null,
    })),
  });
};

export const rootJson = (names: readonly string[]): string =>
  JSON.stringify({
    meta: { "api-version": "1.3" },
    projects: names.map((name) => ({ name })),
  });

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");

const page = (title: string, version: string, anchors: readonly string[]): string =>
  `<!DOCTYPE html>
<html>
  <head>
    <meta name="pypi:repository-version" content="${version}">
    <title>${title}</title>
  </head>
  <body>
    ${anchors.join("\n    ")}
  </body>
</html>
`;

const anchor = (href: string, text: string, attributes: Record<string, string | undefined>) => {
  const stated = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : ` ${name}="${escapeHtml(value)}"`,
  );
  return `<a href="${escapeHtml(href)}"${stated.join("")}>${escapeHtml(text)}</a><br>`;
};

/** PEP 503 with the attributes of PEP 592, 714 and 740. */
export const projectHtml = (listing: ProjectListing, links: readonly Link[]): string => {
  const anchors = links.map((link) => {
    const metadata = typeof link.metadata === "string" ? `sha256=${link.metadata}` : link.metadata;
    return anchor(
      link.sha256 === "" ? link.url : `${link.url}#sha256=${link.sha256}`,
      link.filename,
      {
        "data-requires-python": link.requiresPython,
        "data-yanked": link.yanked,
        "data-core-metadata": metadata?.toString(),
        "data-dist-info-metadata": metadata?.toString(),
        "data-provenance": link.provenance,
      },
    );
  });
  return page(`Links for ${listing.project}`, "1.3", anchors);
};

export const rootHtml = (names: readonly string[]): string =>
  page(
    "Projects",
    "1.3",
    names.map((name) => anchor(`${name}/`, name, {})),
  );

const JSON_TYPES = [SIMPLE_JSON, "application/vnd.pypi.simple.latest+json"];
const HTML_TYPES = [SIMPLE_HTML, "application/vnd.pypi.simple.latest+html", "text/html"];
const ANY_TYPES = ["*/*", "text/*", "application/*"];

/** The answer's type by PEP 691: HTML for who does not ask for better; `undefined` for 406. */
export const negotiate = (accept: string | null): "json" | "html" | undefined => {
  if (accept === null || accept.trim() === "") return "html";
  const wanted = parseAccept(accept);
  const best = (types: readonly string[]): number =>
    Math.max(0, ...wanted.filter(({ type }) => types.includes(type)).map(({ quality }) => quality));
  const json = best(JSON_TYPES);
  const html = Math.max(best(HTML_TYPES), best(ANY_TYPES));
  if (json === 0 && html === 0) return undefined;
  return json >= html ? "json" : "html";
};
