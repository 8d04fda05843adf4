import { beforeEach, describe, expect, it } from "vitest";
import { Wishes } from "../src/sidebar/wishes";

interface Chat {
  readonly version: number;
  readonly title: string;
  readonly pinned: boolean;
}

const chat = (version: number, title = "Old", pinned = false): Chat => ({ version, title, pinned });
let wishes: Wishes<Chat>;
beforeEach(() => void (wishes = new Wishes()));

describe("a change that was asked for", () => {
  it("is shown before the server has said anything", () => {
    wishes.add("c", { title: "New" });
    expect(wishes.of("c", chat(1))).toEqual(chat(1, "New"));
    expect(wishes.of("other", chat(1))).toEqual(chat(1));
  });

  it("stays over events of before, and yields to the one that holds it", () => {
    const settle = wishes.add("c", { title: "New" });
    settle(3);
    expect(wishes.of("c", chat(2, "Old", true))).toEqual(chat(2, "New", true));
    expect(wishes.of("c", chat(3, "New"))).toEqual(chat(3, "New"));
  });

  it("yields to what another device has made of it since", () => {
    wishes.add("c", { title: "New" })(3);
    expect(wishes.of("c", chat(4, "Newer"))).toEqual(chat(4, "Newer"));
    expect(wishes.of("c", chat(2))).toEqual(chat(2)); // it is over
  });

  it("is taken back when the server refuses", () => {
    wishes.add("c", { title: "New" })(null);
    expect(wishes.of("c", chat(1))).toEqual(chat(1));
  });
});

describe("two changes of one chat", () => {
  it("are shown together until the later one is done", () => {
    const [first, second] = [wishes.add("c", { title: "New" }), wishes.add("c", { pinned: true })];
    expect(wishes.of("c", chat(1))).toEqual(chat(1, "New", true));
    first(2);
    expect(wishes.of("c", chat(2, "New"))).toEqual(chat(2, "New", true));
    second(3);
    expect(wishes.of("c", chat(3, "New", true))).toEqual(chat(3, "New", true));
  });

  it("go on with the later one when the first is refused", () => {
    const [first, second] = [wishes.add("c", { title: "New" }), wishes.add("c", { title: "Newer" })];
    first(null);
    expect(wishes.of("c", chat(1)).title).toBe("Newer");
    second(null);
    expect(wishes.of("c", chat(1)).title).toBe("Old");
  });
});

it("a row of which nothing is wished is the very same row", () => {
  const row = chat(1);
  expect(wishes.of("c", row)).toBe(row);
});
