type Wanted = { readonly type: string; readonly quality: number };

/** The media types of an Accept header, at most 32, lower-case, each with its weight (RFC 9110 §12.5.1). */
export const parseAccept = (header: string): Wanted[] =>
  header
    .split(",")
    .slice(0, 32)
    .map((part) => {
      const [type = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
      const quality = parameters.find((text) => text.startsWith("q="))?.slice(2);
      return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
    });
