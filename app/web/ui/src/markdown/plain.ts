/**
 * Paragraphs without any mark. Most of what is written is that, and while it grows a text that changes in place costs a
 * fraction of markup that is parsed, cleaned and built anew.
 */

// Every line begins with a letter or a quote, so that no block of another kind begins there, and holds no inline mark.
const LINE = String.raw`[\p{L}“‘"'(][^<>&*_\x60\[\]\\!~|#@\n]*`;
const PARAGRAPH = new RegExp(String.raw`^${LINE}(?:\n${LINE})*$`, "u");
/** Addresses become links by themselves, and two spaces before a line's end break it. */
const MEANS_MORE = /https?:|ftp:|www\.| {2}\n/i;

/** The text of a block that is nothing but a paragraph of plain words; null when it may be more. */
export function plainText(raw: string): string | null {
  const text = raw.replace(/\n+$/, "");
  return PARAGRAPH.test(text) && !MEANS_MORE.test(text) ? text : null;
}
