import { describe, expect, it } from "vitest";
import { painted } from "../../src/markdown/colours";

/** What is coloured as what. */
const coloured = (text: string, language: string): string[] =>
  [...(painted(text, language) ?? "").matchAll(/<span class="hljs-([\w-]+)">([^<]*)/g)].map(([, as, words]) => `${as} ${words}`);

describe("colours of code", () => {
  it("tell the parts of CSS by their shape", () => {
    const text = '/* x */\n@media (width < 9px) {\n  #a .b:hover { color: #fff; margin: 0 -1.5rem; --own: "s"; }\n}';
    expect(coloured(text, "css")).toEqual([
      "comment /* x */", "keyword @media", "number 9px", "selector-id #a", "selector-class .b", "attribute color", "number #fff",
      "attribute margin", "number 0", "number -1.5rem", "attribute --own", "string &quot;s&quot;",
    ]);
  });

  it.each(["js", "ts", "py", "sh", "html", "yml", "golang", "rs"])("know %s by its short name", (language) =>
    expect(painted("x", language)).not.toBeNull());

  it("are none for a language that is not known, and for a text that is too long", () => {
    expect(painted("x", "klingon")).toBeNull();
    expect(painted("x".repeat(50_001), "js")).toBeNull();
  });

  it.each(["js", "py", "html", "css", "sql"])("keep markup in %s the text it is", (language) => {
    const hostile = '<img src=x onerror="alert(1)"><script>alert(1)</script>';
    const place = document.createElement("code");
    place.innerHTML = painted(hostile, language) ?? "";
    expect(place.textContent).toBe(hostile);
    const others = [...place.querySelectorAll("*")].filter(({ tagName }) => tagName !== "SPAN");
    expect(others).toEqual([]);
  });
});
