/** Markdown to DOM nodes. No HTML is ever parsed, so a model's text cannot become markup; images become links. */
import { h } from "./dom.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*))?$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(?:\s+|$)/;
const DELIMITER = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
// A line whose next characters may turn it into another kind of block.
const UNDECIDED = /^(?:[\s|:\-*+_`~#>\d.)]*$| {0,3}(?:`{3}|~{3}))/;
const DEEPEST = 6;
const LONGEST = 20_000; // nobody writes such a paragraph; a broken model does, and the page should not stand still

function kindOf(lines, i) {
  const line = lines[i];
  if (FENCE.test(line)) return "fence";
  if (HEADING.test(line)) return "heading";
  if (RULE.test(line)) return "rule";
  if (QUOTE.test(line)) return "quote";
  if (ITEM.test(line)) return "list";
  const next = lines[i + 1] ?? "";
  return line.includes("|") && next.includes("|") && DELIMITER.test(next) ? "table" : "paragraph";
}

const isBlank = (line) => line === undefined || !line.trim();
const isOrdered = (line) => /^\s*\d/.test(line);

function endOfList(lines, first) {
  const base = ITEM.exec(lines[first])[1].length;
  let i = first + 1;
  for (; i < lines.length; i++) {
    let next = i;
    while (next < lines.length && isBlank(lines[next])) next++;
    if (next === lines.length) return i;
    const indented = lines[next].search(/\S/) >= base + 2;
    const kind = kindOf(lines, next);
    const sibling = kind === "list" && isOrdered(lines[next]) === isOrdered(lines[first]);
    const lazy = next === i && kind === "paragraph";
    if (!indented && !sibling && !lazy) return i;
    i = next;
  }
  return i;
}

const END = {
  heading: (lines, i) => i + 1,
  rule: (lines, i) => i + 1,
  list: endOfList,
  fence(lines, i) {
    const fence = FENCE.exec(lines[i])[1];
    const closes = (line) => line.trim().startsWith(fence) && !line.trim().replaceAll(fence[0], "");
    const close = lines.findIndex((line, k) => k > i && closes(line));
    return close < 0 ? lines.length : close + 1;
  },
  quote(lines, i) {
    while (i < lines.length && QUOTE.test(lines[i])) i++;
    return i;
  },
  table(lines, i) {
    const isRow = (k) => ["paragraph", "table"].includes(kindOf(lines, k));
    for (i += 2; i < lines.length && !isBlank(lines[i]) && isRow(i); ) i++;
    return i;
  },
  paragraph(lines, i) {
    // A year at the start of a line is no list: only a bullet or a 1 begins one in the middle of a paragraph.
    const goesOn = (k) => kindOf(lines, k) === "paragraph" || /^\s*(?!1[.)])\d+[.)]/.test(lines[k]);
    for (i++; i < lines.length && !isBlank(lines[i]) && goesOn(i); ) i++;
    return i;
  },
};

/** Cut a text into its top-level blocks: `{kind, start, lines}`, `start` in characters. */
export function blocks(source) {
  const lines = source.split("\n");
  const found = [];
  for (let i = 0, start = 0; i < lines.length; ) {
    const kind = isBlank(lines[i]) ? null : kindOf(lines, i);
    const end = kind ? END[kind](lines, i) : i + 1;
    if (kind) found.push({ kind, start, lines: lines.slice(i, end) });
    for (; i < end; i++) start += lines[i].length + 1;
  }
  return found;
}

const RENDER = {
  paragraph: ({ lines }) => h("p", {}, ...inline(lines.map((line) => line.trimStart()).join("\n"))),
  rule: () => h("hr"),
  quote: ({ lines }, depth) => h("blockquote", {}, ...nested(lines.map((line) => line.replace(QUOTE, "")), depth)),
  heading({ lines }) {
    const [, marks, text = ""] = HEADING.exec(lines[0]);
    // The page has the h1 and each message an h2; an answer's headings come below.
    return h(`h${Math.min(6, marks.length + 2)}`, { class: `h${marks.length}` }, ...inline(text));
  },
  fence({ lines }) {
    const [, fence, language] = FENCE.exec(lines[0]);
    const closed = lines.length > 1 && lines.at(-1).trim().startsWith(fence) && !/[^`~]/.test(lines.at(-1).trim());
    return codeBlock(lines.slice(1, closed ? -1 : undefined).join("\n"), language.trim().split(/\s/)[0]);
  },
  list({ lines }, depth) {
    const [, indent, marker] = ITEM.exec(lines[0]);
    const items = [];
    for (const line of lines) {
      const item = ITEM.exec(line);
      const isNext = item && item[1].length < indent.length + 2 && !RULE.test(line);
      if (isNext || !items.length) {
        items.push({ width: item[1].length + item[2].length + 1, lines: [line.slice(item[0].length)] });
      } else {
        const { width, lines: own } = items.at(-1);
        own.push(line.slice(Math.min(width, Math.max(0, line.search(/\S|$/)))));
      }
    }
    const start = parseInt(marker, 10);
    const props = start > 1 ? { start } : {};
    return h(start >= 0 ? "ol" : "ul", props, ...items.map((item) => h("li", {}, ...nested(item.lines, depth))));
  },
  table({ lines }) {
    const [head, , ...rows] = lines.map((line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/));
    const row = (cells, tag) => h("tr", {}, ...head.map((_, i) => h(tag, {}, ...inline((cells[i] ?? "").trim()))));
    const body = h("tbody", {}, ...rows.map((cells) => row(cells, "td")));
    return h("div", { class: "table", tabindex: "0" }, h("table", {}, h("thead", {}, row(head, "th")), body));
  },
};

function nested(lines, depth) {
  const source = lines.join("\n");
  return depth >= DEEPEST ? [source] : blocks(source).map((block) => RENDER[block.kind](block, depth + 1));
}

function codeBlock(text, language) {
  const label = h("span", {}, "Copy");
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
    setTimeout(() => (label.textContent = "Copy"), 1500);
  };
  const button = navigator.clipboard && h("button", { class: "quiet", type: "button", onclick: copy }, label);
  const head = h("div", { class: "code-head" }, h("span", {}, language), button);
  return h("div", { class: "code" }, head, h("pre", { tabindex: "0" }, h("code", {}, text)));
}

function link(label, url) {
  if (!/^https?:\/\//i.test(url)) return label;
  return [h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...label)];
}

function bareLink([url]) {
  const end = url.search(/[.,;:!?'"*_~)\]]+$/);
  return end < 0 ? link([url], url) : [...link([url.slice(0, end)], url.slice(0, end)), url.slice(end)];
}

const wrap = (tag) => ([, text], depth) => [h(tag, {}, ...inline(text, depth))];

// Each pattern is tried where its first character stands; spans are bounded, so that no text is slow to read.
const SPANS = [
  [/\\([!-/:-@[-`{-~])/y, ([, character]) => [character]],
  [/(`+)(?!`)([^]{1,999}?)(?<!`)\1(?!`)/y, ([, , code]) => [h("code", {}, code.replace(/^ (.*\S.*) $/, "$1"))]],
  [/\*\*(?=\S)([^]{0,999}?\S)\*\*(?!\*)/y, wrap("strong")],
  [/(?<!\w)__(?=\S)([^]{0,999}?\S)__(?!\w)/y, wrap("strong")],
  [/\*(?![\s*])((?:\*\*[^*]{1,500}\*\*|[^*]){1,999}?)(?<!\s)\*(?!\*)/y, wrap("em")],
  [/(?<!\w)_(?![\s_])([^_]{1,999}?)(?<!\s)_(?!\w)/y, wrap("em")],
  [/~~(?=\S)([^]{0,999}?\S)~~/y, wrap("del")],
  [
    /!?\[([^[\]]{0,999})\]\(\s*([^\s<>()]{1,2000}(?:\([^\s()]{0,99}\)[^\s<>()]{0,99})?)(?:\s+"[^"\n]{0,500}")?\s*\)/y,
    ([, label, url], depth) => link(label ? inline(label, depth) : [url], url),
  ],
  [/<(https?:\/\/[^\s<>]{1,2000})>/y, ([, url]) => link([url], url)],
  [/(?<!\w)https?:\/\/[^\s<>`]{1,2000}/y, bareLink],
  [/(?: {2,}|\\)\n/y, () => [h("br")]],
];

/** The nodes of a run of text: emphasis, code, links. */
export function inline(text, depth = 0) {
  const nodes = [];
  let plain = 0;
  const special = /[\\`*_~!<[]|https?:| {2,}\n/g;
  for (let found; depth < DEEPEST && text.length < LONGEST && (found = special.exec(text)); ) {
    const at = found.index;
    const taken = take(text, at, depth + 1);
    if (taken) {
      nodes.push(text.slice(plain, at), ...taken.nodes);
      plain = at + taken.length;
    }
    special.lastIndex = taken ? plain : at + 1;
  }
  return [...nodes, text.slice(plain)].filter((node) => node !== "");
}

function take(text, at, depth) {
  for (const [pattern, make] of SPANS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return { nodes: make(match, depth), length: match[0].length };
  }
  return null;
}

function mend(lines) {
  const line = lines.pop();
  const mark = ["`", "**"].find((mark) => line.split(mark).length % 2 === 0);
  lines.push(!mark ? line : line.endsWith(mark) ? line.slice(0, -mark.length) : line + mark);
}

/** A text that grows in place: blocks that cannot change any more are never rendered again. */
export class Markdown {
  constructor(root) {
    this.root = root;
    this.#clear();
  }

  #clear() {
    this.root.replaceChildren();
    this.source = "";
    this.settled = 0;
    this.open = [];
  }

  /** Show `source`; while it is `live`, marks that still wait for their end are drawn as if it had come. */
  update(source, live = false) {
    if (source === this.source && live === this.live) return;
    this.live = live;
    if (!source.startsWith(this.source)) this.#clear();
    this.source = source;
    const tail = source.slice(this.settled);
    const newline = tail.lastIndexOf("\n") + 1;
    const certain = UNDECIDED.test(tail.slice(newline)) ? tail.slice(0, newline) : tail;
    const cut = blocks(certain).at(-1)?.start ?? 0;
    for (const node of this.open.splice(0)) node.remove();
    const shown = blocks(tail);
    if (live && shown.length && shown.at(-1).kind !== "fence") mend(shown.at(-1).lines);
    for (const block of shown) {
      const node = RENDER[block.kind](block, 0);
      this.root.append(node);
      if (block.start >= cut) this.open.push(node);
    }
    this.settled += cut;
  }
}
