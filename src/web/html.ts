import { visible } from "../formats/visible.ts";

/** Text that is HTML already: made only by {@link html} and {@link raw}. */
export type Html = { readonly html: string };

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text of anybody as HTML text or attribute value. */
const escapeHtml = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");

type Part = string | number | Html | readonly Html[] | undefined;

const render = (part: Part): string => {
  if (part === undefined) return "";
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  return "html" in part ? part.html : part.map(({ html: text }) => text).join("");
};

/** A template whose values are escaped, unless they are HTML themselves. Attributes must be quoted. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: texts.reduce((out, text, i) => out + text + render(parts[i]), ""),
});

/** Our own markup, style or script; never anything that came from outside. */
export const raw = (text: string): Html => ({ html: text });
