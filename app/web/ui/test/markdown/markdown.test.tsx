import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Markdown } from "../../src/markdown/markdown";

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
});
