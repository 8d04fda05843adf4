import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as deep from "../../src/markdown/deep";
import * as html from "../../src/markdown/html";
import { Markdown } from "../../src/markdown/markdown";
import { Guard } from "../../src/shell/guard";
import { Value } from "../../src/store";

const TEXT = [
  "# Tides", "", "The moon is **late**, see [it](https://a.example).", "", "- one", "  - two", "", "- three", "", "| a | b |", "|---|--:|", "| 1 | 2 |",
  "", "> quoted *twice", "", "<img src=x onerror=alert(1)> and ![p](https://evil.example/p.png)", "", "Last [x](javascript:alert(1)).",
].join("\n");

describe("a text that is drawn while it grows", () => {
  let root: Root;
  let place: HTMLElement;
  beforeEach(() => {
    (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
    place = document.createElement("div");
    root = createRoot(place);
  });
  afterEach(() => act(() => root.unmount()));
  const draw = (text: string, isLive: boolean) => act(() => root.render(<Markdown text={text} isLive={isLive} />));
  const blocks = () => [...(place.firstElementChild?.children ?? [])];

  it("ends as it would have been drawn at once", () => {
    for (let length = 1; length <= TEXT.length; length += 1) draw(TEXT.slice(0, length), true);
    draw(TEXT, false);
    const grown = place.innerHTML;
    act(() => root.render(<Markdown key="anew" text={TEXT} isLive={false} />));
    expect(place.innerHTML).toBe(grown);
  });

  it("never draws a block again once the next has begun, nor at the end", () => {
    let nodes: (ChildNode | null)[] = [];
    for (let length = 1; length <= TEXT.length; length += 1) {
      draw(TEXT.slice(0, length), true);
      const now = blocks().map((block) => block.firstChild);
      for (const [index, node] of nodes.slice(0, -1).entries()) expect(now[index]).toBe(node);
      nodes = now;
    }
    draw(TEXT, false);
    for (const [index, node] of nodes.slice(0, -1).entries()) expect(blocks()[index]?.firstChild).toBe(node);
    expect(nodes.length).toBe(7);
    expect(nodes).not.toContain(null);
  });

  it("holds nothing that runs or loads at any length", () => {
    for (let length = 1; length <= TEXT.length; length += 1) {
      draw(TEXT.slice(0, length), true);
      expect(place.querySelector("img, script, iframe, [onerror]")).toBeNull();
      for (const link of place.querySelectorAll("a")) expect(link.getAttribute("href")).toMatch(/^https:\/\//);
    }
  });

  describe("by its words alone", () => {
    let words: Value<string>;
    beforeEach(() => {
      words = new Value("");
      act(() => root.render(<Markdown text="" isLive words={words} />));
    });
    const write = (text: string) => act(() => words.set(text));

    it("ends as it would have been drawn at once", () => {
      const other = document.createElement("div");
      const atOnce = createRoot(other);
      const show = (text: string, isLive: boolean) => act(() => atOnce.render(<Markdown key={text.length} text={text} isLive={isLive} />));
      for (let length = 1; length <= TEXT.length; length += 1) {
        write(TEXT.slice(0, length));
        show(TEXT.slice(0, length), true);
        expect(place.innerHTML).toBe(other.innerHTML);
      }
      draw(TEXT, false);
      show(TEXT, false);
      expect(place.innerHTML).toBe(other.innerHTML);
      act(() => atOnce.unmount());
    });

    it("draws each word in its place, without another draw of React", () => {
      write("The tide");
      const paragraph = place.querySelector("p");
      words.set("The tide turns"); // outside of act: React would wait for its end
      expect(paragraph?.textContent).toBe("The tide turns");
    });

    it("shows what came while React was drawing", () => {
      act(() => {
        root.render(<Markdown key="late" text="" isLive words={words} />);
        queueMicrotask(() => words.set("Late"));
      });
      write("Late word");
      expect(place.textContent).toBe("Late word");
    });

    it("is drawn anew when another text stands in its place", () => {
      write("# Tides\n\nThe moon");
      write("- other");
      expect(place.querySelector("li")?.textContent).toBe("other");
      expect(place.textContent?.trim()).toBe("other");
    });

    it.each(["reading", "drawing"])("fails within its guard when %s does", (what) => {
      vi.spyOn(console, "error").mockImplementation(() => {}); // React tells what was caught
      act(() => root.render(<Guard of={words} instead={() => "the words as they are"}><Markdown key="bad" text="" isLive words={words} /></Guard>));
      write("good");
      const failing = what === "reading" ? vi.spyOn(deep, "tokensOf") : vi.spyOn(html, "nodes");
      failing.mockImplementation(() => {
        throw new Error("cannot be drawn");
      });
      write("good and bad");
      expect(place.textContent).toBe("the words as they are");
      vi.restoreAllMocks();
    });
  });
});
