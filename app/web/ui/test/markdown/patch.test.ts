import { describe, expect, it } from "vitest";
import { patch } from "../../src/markdown/patch";
import { chanceOf } from "./some";

const place = (html: string): HTMLElement => {
  const element = document.createElement("div");
  element.innerHTML = html;
  return element;
};
const PIECES = ["words", "<b>bold</b>", "<a href='/x'>x</a>", "<a href='/y'>x</a>", "<ul><li>one</li><li>two</li></ul>", "<p>a<br>b</p>", "<ul><li>one</li></ul>", "more"];

describe("nodes made like others", () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))("are like them, whatever they were (seed %i)", (seed) => {
    const below = chanceOf(seed + 9_000);
    const some = () => Array.from({ length: below(6) }, () => PIECES[below(PIECES.length)]).join("");
    const shown = place(some());
    for (let round = 0; round < 30; round += 1) {
      const html = some();
      patch(shown, place(html));
      expect(shown.innerHTML).toBe(place(html).innerHTML);
    }
  });

  it("stay the same nodes where they are right already", () => {
    const shown = place("<p>The <b>tide</b> ri</p>");
    const [paragraph, bold, last] = [shown.firstChild, shown.querySelector("b"), shown.firstChild?.lastChild];
    patch(shown, place("<p>The <b>tide</b> rises</p><p>And</p>"));
    expect(shown.innerHTML).toBe("<p>The <b>tide</b> rises</p><p>And</p>");
    expect([shown.firstChild, shown.querySelector("b"), shown.firstChild?.lastChild]).toEqual([paragraph, bold, last]);
    expect(shown.firstChild).toBe(paragraph);
    expect(shown.firstChild?.lastChild).toBe(last);
  });
});
