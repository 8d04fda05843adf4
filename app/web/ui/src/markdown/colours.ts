/** Colours for code; a chunk of its own, which is loaded when there is code to colour. */

import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { css } from "./css";

const LANGUAGES = { bash, c, css, diff, go, java, javascript, json, python, rust, sql, typescript, xml, yaml };
const LONGEST = 50_000; // characters; beyond, colours take longer than anybody waits for them

for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

/** HTML with colours that nothing has cleaned yet; null for a language that is not known here. */
export function painted(text: string, language: string): string | null {
  if (text.length > LONGEST || !hljs.getLanguage(language)) return null;
  return hljs.highlight(text, { language, ignoreIllegals: true }).value;
}

/** The code as clean HTML with colours; null for a language that is not known here. */
export function colours(text: string, language: string): string | null {
  const html = painted(text, language);
  return html === null ? null : DOMPurify.sanitize(html, { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] });
}
