/** Control, format (bidirectional, zero-width) and separator characters, but not tab and newline. */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text with a question mark for every character but printable ASCII: it stays one line. */
export const printable = (text: string): string => text.replace(/[^ -~]/g, "?");

/**
 * Text of somebody else made fit to be shown: characters that start escape sequences, hide, or
 * reorder what stands beside them become visible, as `\u{1b}`.
 */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
