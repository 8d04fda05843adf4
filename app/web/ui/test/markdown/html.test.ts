import { describe, expect, it } from "vitest";
import { Blocks } from "../../src/markdown/blocks";
import { markup, nodes } from "../../src/markdown/html";
import { chanceOf, someMarkdown } from "./some";

const HOSTILE = [
  "<script>alert(1)</script>",
  '<img src=x onerror="alert(1)">',
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt&#58;alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:msgbox)",
  "![pixel](https://evil.example/pixel.png)",
  "![x](javascript:alert(1))",
  '[x](https://a.example/" onmouseover="alert(1))',
  '[x](https://a.example "title" onclick="alert(1)")',
  "<https://a.example/><svg/onload=alert(1)>",
  "[a]: javascript:alert(1)\n\n[a]",
  "<style>body{display:none}</style>",
  '<a href="javascript:alert(1)">x</a>',
  "`<script>`\n\n```html\n<script>alert(1)</script>\n```",
];
const LIVE = /<(?:script|img|svg|style|iframe|object|form|input|b)\b|\son\w+\s*=|href="(?!https?:|mailto:)/i;

/** Markup outside of attribute values and text: what a browser would take for tags. */
const tags = (text: string): string => (text.match(/<[^>]*>/g) ?? []).join("");

function drawn(raw: string): string {
  const place = document.createElement("div");
  place.append(nodes(raw, false));
  return place.innerHTML;
}

describe("markdown as markup, before anything has cleaned it", () => {
  it.each(HOSTILE)("makes nothing that runs or loads of %j, at any length", (text) => {
    const blocks = new Blocks();
    for (let length = 1; length <= text.length; length += 1) {
      for (const { raw, isOpen, code } of blocks.update(text.slice(0, length), true)) {
        if (!code) expect(tags(markup(raw, isOpen))).not.toMatch(LIVE);
      }
    }
    for (const { raw, code } of blocks.update(text, false)) if (!code) expect(tags(markup(raw, false))).not.toMatch(LIVE);
  });

  it.each(Array.from({ length: 40 }, (_, seed) => seed))("makes nothing that runs of text by chance (seed %i)", (seed) => {
    const text = someMarkdown(chanceOf(seed + 1_000));
    for (const { raw, code } of new Blocks().update(text, false)) if (!code) expect(tags(markup(raw, false))).not.toMatch(LIVE);
  });

  it("shows markup as the text it is", () => {
    expect(markup("Use <b>bold</b> & more", false)).toBe("<p>Use &lt;b&gt;bold&lt;/b&gt; &amp; more</p>\n");
  });

  it("opens links apart, and makes links of pictures", () => {
    const link = '<a href="https://a.example/x" target="_blank" rel="noopener noreferrer nofollow">';
    expect(markup("[here](https://a.example/x)", false)).toBe(`<p>${link}here</a></p>\n`);
    expect(markup("![A cat](https://a.example/x)", false)).toBe(`<p>${link}A cat</a></p>\n`);
  });

  it("puts the headings of an answer below those of the page", () => {
    expect(markup("# One", false)).toBe('<h3 class="h1">One</h3>\n');
    expect(markup("###### Six", false)).toBe('<h6 class="h6">Six</h6>\n');
  });

  it("keeps how the columns of a table stand", () => {
    expect(drawn("| a | b |\n|---|--:|\n| 1 | 2 |")).toContain('<td align="right">2</td>');
  });

  it("shows what is done and what is not in a list of tasks", () => {
    expect(drawn("- [x] read\n- [ ] write").match(/<li class="task">\S/g)).toEqual(['<li class="task">☑', '<li class="task">☐']);
  });

  it("closes what is open while the text grows, and only then", () => {
    expect(markup("This is **bol", true)).toBe("<p>This is <strong>bol</strong></p>\n");
    expect(markup("This is **bol", false)).toBe("<p>This is **bol</p>\n");
    expect(markup("See [the do", true)).not.toContain("[");
  });
});
