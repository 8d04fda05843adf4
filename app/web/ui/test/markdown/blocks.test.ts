import { describe, expect, it } from "vitest";
import { Blocks } from "../../src/markdown/blocks";
import { markup } from "../../src/markdown/html";
import { chanceOf, someMarkdown } from "./some";

const TEXT = [
  "# Title", "", "A *short* paragraph", "over two lines.", "", "- one", "- two", "", "  still two", "", "```py", "x = 1", "", "y = 2", "```", "",
  "| a | b |", "|---|---|", "| 1 | 2 |", "", "> quoted", "", "Last.",
].join("\n");

describe("blocks of a growing text", () => {
  it("follow each other without a gap, at every length", () => {
    const blocks = new Blocks();
    for (let length = 0; length <= TEXT.length; length += 1) {
      const source = TEXT.slice(0, length);
      expect(blocks.update(source, true).map(({ raw }) => raw).join("")).toBe(source);
    }
  });

  it("stay the same objects once another block has begun after them", () => {
    const blocks = new Blocks();
    let before = blocks.update("", true);
    for (let length = 1; length <= TEXT.length; length += 1) {
      const now = blocks.update(TEXT.slice(0, length), true);
      for (const [index, block] of before.slice(0, -1).entries()) expect(now[index]).toBe(block);
      before = now;
    }
    expect(before.length).toBe(7);
  });

  it("keep what is drawn when the text is whole, but for the last", () => {
    const blocks = new Blocks();
    const growing = blocks.update(TEXT, true);
    const whole = blocks.update(TEXT, false);
    expect(whole.slice(0, -1)).toEqual(growing.slice(0, -1));
    for (const [index, block] of growing.slice(0, -1).entries()) expect(whole[index]).toBe(block);
    expect(growing.at(-1)?.isOpen).toBe(true);
    expect(whole.at(-1)?.isOpen).toBe(false);
  });

  it.each(Array.from({ length: 60 }, (_, seed) => seed))("grown letter by letter equal the whole (seed %i)", (seed) => {
    const text = someMarkdown(chanceOf(seed));
    const grown = new Blocks();
    for (let length = 1; length <= text.length; length += 1) grown.update(text.slice(0, length), true);
    expect(grown.update(text, false)).toEqual(new Blocks().update(text, false));
  });

  it("begin anew when the text is another one", () => {
    const blocks = new Blocks();
    blocks.update("First version.\n\nOf two blocks", true);
    expect(blocks.update("Second", true).map(({ raw }) => raw)).toEqual(["Second"]);
  });

  it.each([">".repeat(9_000), "> ".repeat(9_000), "- ".repeat(9_000), "1. > * ".repeat(3_000)])("show what nests without end as text", (deep) => {
    const blocks = new Blocks();
    const text = `Before.\n\n${deep}x\n\nAfter.`;
    for (let length = 0; length <= text.length; length += 500) blocks.update(text.slice(0, length), true);
    const whole = blocks.update(text, false);
    expect(whole.map(({ raw }) => raw)).toEqual(["Before.\n\n", `${deep}x\n\n`, "After."]);
    expect(markup(whole[1]?.raw ?? "", false).startsWith("<p>")).toBe(true);
  });

  it("know a reference that is defined at the end", () => {
    const [first] = new Blocks().update("See [it].\n\n[it]: https://example.org", false);
    expect(first?.raw).toContain("[it]: https://example.org");
  });
});
