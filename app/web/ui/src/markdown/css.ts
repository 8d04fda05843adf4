/** Colours for CSS by its shape. The library's own grammar knows every property by name, which is 4 KB to load. */

import type { LanguageFn } from "highlight.js";

// Everything is bounded, so that no text takes long.
const PROPERTY = /(?<![\w-])-{0,2}[a-z][\w-]{0,60}(?=\s{0,8}:[^:;{}]{0,300}(?:[;}]|$))/;
const ID = /#[A-Za-z_][\w-]{0,60}(?=[^;{}]{0,300}\{)/;
const NUMBER = /#[0-9a-fA-F]{3,8}\b|(?<![\w-])[+-]?(?:\d{1,20}\.)?\d{1,20}(?:%|[a-z]{1,6}\b)?/;

export const css: LanguageFn = (hljs) => ({
  name: "CSS",
  contains: [
    hljs.C_BLOCK_COMMENT_MODE,
    hljs.QUOTE_STRING_MODE,
    hljs.APOS_STRING_MODE,
    { className: "keyword", begin: /@[\w-]{1,40}/ },
    { className: "attribute", begin: PROPERTY },
    { className: "selector-id", begin: ID },
    { className: "selector-class", begin: /\.[A-Za-z_][\w-]{0,60}/ },
    { className: "number", begin: NUMBER },
  ],
});
