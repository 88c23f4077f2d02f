import { type DefaultTreeAdapterTypes, parse } from "parse5";
import type { NormalizedName } from "../dists/name.ts";
import { fromUtf8 } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { IndexFile } from "./simple-index.ts";
import { asSha256, checkFilename, lastSegment, MAX_FILES, resolveLink } from "./simple-link.ts";

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

const childrenOf = (node: Node): readonly Node[] => ("childNodes" in node ? node.childNodes : []);

/** All elements in document order; by a stack, because a page may nest as deep as it is long. */
function* elements(root: Node): Generator<Element> {
  const stack: Node[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if ("tagName" in node) yield node;
    const children = childrenOf(node);
    for (let i = children.length - 1; i >= 0; i -= 1) {
      const child = children[i];
      if (child !== undefined) stack.push(child);
    }
  }
}

const attribute = (element: Element, name: string): string | undefined =>
  element.attrs.find((one) => one.name === name)?.value;

const coreMetadataOf = (anchor: Element): IndexFile["coreMetadata"] => {
  const stated =
    attribute(anchor, "data-core-metadata") ?? attribute(anchor, "data-dist-info-metadata");
  if (stated === undefined || stated === "false") return undefined;
  const sha256 = asSha256(/^sha256=(.*)$/.exec(stated)?.[1]);
  return sha256 === undefined ? {} : { sha256 };
};

const readAnchor = (anchor: Element, href: string, base: string): Result<IndexFile> => {
  const link = resolveLink(href, base);
  if (!link.ok) return link;
  const { url, fragment } = link.value;
  const filename = checkFilename(lastSegment(url));
  if (!filename.ok) return filename;
  const stated = /^sha256=(.*)$/.exec(fragment)?.[1];
  const sha256 = asSha256(stated);
  if (stated !== undefined && sha256 === undefined) {
    return fail("INDEX_FORMAT", "a link has a malformed sha256");
  }
  const requiresPython = attribute(anchor, "data-requires-python");
  const yanked = attribute(anchor, "data-yanked");
  const coreMetadata = coreMetadataOf(anchor);
  const provenance = attribute(anchor, "data-provenance");
  const provenanceLink = provenance === undefined ? undefined : resolveLink(provenance, base);
  if (provenanceLink?.ok === false) return provenanceLink;
  return ok({
    filename: filename.value,
    url,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(requiresPython === undefined || requiresPython === "" ? {} : { requiresPython }),
    ...(yanked === undefined ? {} : { yanked }),
    ...(coreMetadata === undefined ? {} : { coreMetadata }),
    ...(provenanceLink === undefined ? {} : { provenance: provenanceLink.value.url }),
  });
};

/**
 * The files of a project's page in HTML: every anchor with an address. The file name is the last
 * segment of the address, as installers take it.
 * @param page - the URL it came from
 * @returns INDEX_FORMAT
 * @see PEP 503, PEP 592, PEP 714, PEP 740
 */
export const parseSimpleHtml = (
  _name: NormalizedName,
  body: Uint8Array,
  page: string,
): Result<IndexFile[]> => {
  const text = fromUtf8(body);
  if (!text.ok) return fail("INDEX_FORMAT", "the page is not UTF-8");
  const anchors: { readonly anchor: Element; readonly href: string }[] = [];
  let base: string | undefined;
  for (const element of elements(parse(text.value))) {
    const href = attribute(element, "href");
    if (href === undefined) continue;
    if (element.tagName === "base") base ??= URL.parse(href, page)?.href;
    if (element.tagName === "a") anchors.push({ anchor: element, href });
    if (anchors.length > MAX_FILES) return fail("INDEX_FORMAT", "the page lists too many files");
  }
  return all(anchors.map(({ anchor, href }) => readAnchor(anchor, href, base ?? page)));
};
