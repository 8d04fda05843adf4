import { describe, expect, it } from "vitest";
import { sizeOf, typeOf, whatIsWrong } from "../../src/files/kinds";

const LIMITS = { fileBytes: 1_000, messageFileBytes: 1_500 };
const text = { name: "a.txt", size: 10, mediaType: "text/plain" };

describe("a file that is to be attached", () => {
  it("is fine as long as nothing is wrong with it", () => {
    expect(whatIsWrong(text, [], LIMITS)).toBeNull();
    expect(whatIsWrong(text, [], {})).toBeNull(); // before the server has said what it allows
  });

  it.each([
    [{ ...text, size: 0 }, [], "a.txt is empty."],
    [{ ...text, size: 1_001 }, [], "a.txt has 1001 bytes; a file may have 1000 bytes."],
    [{ ...text, mediaType: null }, [], "a.txt cannot be attached: files may be text, PNG, JPEG, GIF, WebP or PDF, and text must be UTF-8."],
    [text, Array(20).fill({ size: 1 }), "A message takes 20 files."],
    [{ ...text, size: 800 }, [{ size: 800 }], "The files of one message may have 1.5 KB together."],
  ])("is said no to in words: %j", (file, beside, words) => expect(whatIsWrong(file, beside, LIMITS)).toBe(words));

  it("is known by its type, or by having no zero in it", async () => {
    expect(await typeOf(new File(["x"], "a.png", { type: "image/png" }))).toBe("image/png");
    expect(await typeOf(new File(["x"], "a.ts", { type: "video/mp2t" }))).toBe("text/plain");
    expect(await typeOf(new File(["x"], "a.mp4", { type: "video/mp4" }))).toBeNull();
    expect(await typeOf(new File(["PK\0"], "a.zip", { type: "application/zip" }))).toBeNull();
    expect(await typeOf(new File(["# x"], "a.md", { type: "text/markdown" }))).toBe("text/markdown");
  });
});

describe("a size for people", () => {
  it.each([[7, "7 bytes"], [1_024, "1 KB"], [1_536, "1.5 KB"], [20_480, "20 KB"], [5_242_880, "5 MB"]])("%i: %s", (bytes, words) =>
    expect(sizeOf(bytes)).toBe(words));
});
