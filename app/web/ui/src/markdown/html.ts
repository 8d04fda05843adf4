/**
 * One block of markdown as HTML.
 *
 * A model's text is never trusted. Markup in it is shown as the text it is; links lead to the web or to mail and are
 * opened apart; pictures are links, for nothing may be loaded from elsewhere. What comes out is cleaned once more, and
 * the page's content security policy stands behind all of it.
 */

import DOMPurify from "dompurify";
import { Marked, Renderer } from "marked";
import remend from "remend";
import { isDeep } from "./deep";
import { plainText } from "./plain";

const LINK = /^(?:https?:\/\/|mailto:)/i;
const CLEAN = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["align", "class", "href", "rel", "start", "tabindex", "target", "title"],
  ALLOWED_URI_REGEXP: LINK,
  ADD_URI_SAFE_ATTR: ["align", "rel", "start", "tabindex", "target"], // no addresses, so not held against the rule for them
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
};

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => ESCAPES[mark] ?? mark);

function link(label: string, href: string, title?: string | null): string {
  if (!LINK.test(href)) return label;
  const hint = title ? ` title="${escaped(title)}"` : "";
  return `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer nofollow"${hint}>${label}</a>`;
}

const marked = new Marked({
  gfm: true,
  renderer: {
    // The page has the h1 and each message an h2: an answer's headings come below.
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2);
      return `<h${level} class="h${depth}">${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    link({ href, title, tokens }) {
      return link(this.parser.parseInline(tokens), href, title);
    },
    image({ href, title, text }) {
      return link(escaped(text || href), href, title);
    },
    html: ({ text }) => escaped(text),
    code: ({ text }) => `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`,
    listitem(item) {
      return `<li${item.task ? ' class="task"' : ""}>${this.parser.parse(item.tokens)}</li>\n`;
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    table(token) {
      return `<div class="table" tabindex="0">${Renderer.prototype.table.call(this, token)}</div>\n`;
    },
  },
});

/** HTML that nothing has cleaned yet. */
export const markup = (raw: string, isOpen: boolean): string =>
  isDeep(raw) ? `<p>${escaped(raw)}</p>\n` : marked.parse(isOpen ? remend(raw, { linkMode: "text-only", images: false }) : raw, { async: false });

/** Clean nodes of a block; of an open one, marks that wait for their end are closed. */
export function nodes(raw: string, isOpen: boolean): DocumentFragment {
  const plain = plainText(raw);
  if (plain === null) return DOMPurify.sanitize(markup(raw, isOpen), { ...CLEAN, RETURN_DOM_FRAGMENT: true });
  const fragment = document.createDocumentFragment();
  const paragraph = document.createElement("p");
  paragraph.textContent = plain;
  fragment.append(paragraph);
  return fragment;
}
