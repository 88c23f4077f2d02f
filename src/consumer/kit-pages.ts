import { looseRelease } from "../dists/filename.ts";
import { utf8 } from "../formats/bytes.ts";
import type { Written } from "./kit-file.ts";
import { KIT_PLACES } from "./kit-manifest.ts";

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const page = (title: string, links: readonly string[]): Uint8Array =>
  utf8(
    [
      "<!DOCTYPE html>",
      `<html><head><meta charset="utf-8"><meta name="pypi:repository-version" content="1.0"><title>${escapeHtml(title)}</title></head><body>`,
      ...links.map((link) => `${link}<br>`),
      "</body></html>",
      "",
    ].join("\n"),
  );

/** A distribution to list: where it is, and what its metadata asks of Python. */
export type Listed = {
  readonly filename: string;
  readonly sha256: string;
  readonly requiresPython?: string;
};

const link = ({ filename, sha256, requiresPython }: Listed): string => {
  const asks =
    requiresPython === undefined ? "" : ` data-requires-python="${escapeHtml(requiresPython)}"`;
  const url = `../../${KIT_PLACES.packages}${encodeURIComponent(filename)}#sha256=${sha256}`;
  return `<a href="${url}"${asks}>${escapeHtml(filename)}</a>`;
};

/** The pages of a simple index (PEP 503) over the packages of a kit: any web server serves them. */
export const kitPages = (listed: readonly Listed[]): Written[] => {
  const projects = new Map<string, Listed[]>();
  for (const one of listed) {
    const release = looseRelease(one.filename);
    if (!release.ok) continue;
    projects.set(release.value.name, [...(projects.get(release.value.name) ?? []), one]);
  }
  const names = [...projects.keys()].sort();
  const root = names.map((name) => `<a href="${name}/">${name}</a>`);
  return [
    { path: "simple/index.html", content: page("Simple index", root) },
    ...names.map((name) => ({
      path: `simple/${name}/index.html`,
      content: page(`Links for ${name}`, (projects.get(name) ?? []).map(link)),
    })),
  ];
};
