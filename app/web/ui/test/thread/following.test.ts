import { describe, expect, it } from "vitest";
import { isAtEnd } from "../../src/thread/following";

const box = (scrollTop: number, scrollHeight = 1_000) => ({ scrollTop, scrollHeight, clientHeight: 400 });

describe("whether one is at the end of a chat", () => {
  it("stays so while what is written grows faster than the scrolling tells", () => {
    expect(isAtEnd(box(600, 1_080), { isAtEnd: true, top: 600 })).toBe(true);
    expect(isAtEnd(box(600, 5_000), { isAtEnd: true, top: 580 })).toBe(true);
  });

  it("ends with the smallest way up", () => {
    expect(isAtEnd(box(590), { isAtEnd: true, top: 600 })).toBe(false);
    expect(isAtEnd(box(599), { isAtEnd: true, top: 600 })).toBe(true); // a fraction of a pixel is nobody's will
  });

  it("comes back near enough to the end, on the way down only", () => {
    expect(isAtEnd(box(560), { isAtEnd: false, top: 500 })).toBe(true);
    expect(isAtEnd(box(560), { isAtEnd: false, top: 580 })).toBe(false);
    expect(isAtEnd(box(400), { isAtEnd: false, top: 300 })).toBe(false);
  });
});
