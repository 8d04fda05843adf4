import { describe, expect, it } from "vitest";
import { markup } from "../../src/markdown/html";
import { plainText } from "../../src/markdown/plain";
import { chanceOf } from "./some";

const WORDS = [
  "Tides", "rise", " ", " ", " ", "\n", ", ", ".", "“quoted”", '"so"', "it's", "(or not)", "3", "1.", "- ", "# ", "*", "_", "`", "[", "<b>", "&",
  "http://a.b", "www.a.b", "a@b.c", "  \n", "\n\n", "===", "---", "+", ":", ";", "|", "~", "\\", "é", "水", "    ", "\t", ">", "=",
];
const escaped = (text: string) => text.replace(/"/g, "&quot;").replace(/'/g, "&#39;");

describe("a plain paragraph", () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))("is what markdown makes of it, whatever it is (seed %i)", (seed) => {
    const below = chanceOf(seed + 5_000);
    let plain = 0;
    for (let round = 0; round < 200; round += 1) {
      const raw = `Words ${Array.from({ length: 1 + below(6) }, () => WORDS[below(WORDS.length)]).join("")}`;
      const text = plainText(raw);
      if (text === null) continue;
      plain += 1;
      expect(markup(raw, false).trim()).toBe(`<p>${escaped(text)}</p>`);
    }
    expect(plain).toBeGreaterThan(10);
  });

  it.each(["# Title", "- item", "1. item", "> quote", "a **b**", "a `b`", "a\n---", "a\n===", "see http://a.b", "a  \nb", "a & b", "a\n\nb", "| a |", ""])(
    "is not %j",
    (raw) => expect(plainText(raw)).toBeNull(),
  );

  it("is words over several lines", () => {
    expect(plainText("The tide\nrises “twice” a day.\n\n")).toBe("The tide\nrises “twice” a day.");
  });
});
