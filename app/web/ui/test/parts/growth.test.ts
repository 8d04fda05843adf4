import { type AnswerView, type Chunk, Fold, type Message } from "@tidewire/client";
import { describe, expect, it } from "vitest";
import { Growth } from "../../src/parts/growth";
import { Value } from "../../src/store";

/** An answer that is written chunk by chunk, and how React and the words see it. */
function written() {
  const fold = new Fold();
  const view = new Value<AnswerView>({ status: "streaming", label: null, message: fold.message });
  const answer = { isOver: false };
  const growth = new Growth(answer, view);
  const write = (...chunks: Chunk[]): Message => {
    view.set({ status: "streaming", label: null, message: fold.extend(chunks).message });
    return growth.shape.getSnapshot();
  };
  return { answer, growth, write };
}

const start = (id: string, type = "text"): Chunk => ({ type: `${type}-start`, id }) as Chunk;
const delta = (id: string, words: string, type = "text"): Chunk => ({ type: `${type}-delta`, id, delta: words }) as Chunk;
const end = (id: string, type = "text"): Chunk => ({ type: `${type}-end`, id }) as Chunk;

describe("a growing answer", () => {
  it.each(["text", "reasoning"])("keeps its shape while the %s of its last part grows, and tells the words", (type) => {
    const { growth, write } = written();
    const shape = write(start("a", type));
    expect(write(delta("a", "Tides ", type))).toBe(shape);
    expect(write(delta("a", "turn.", type))).toBe(shape);
    expect(growth.words(0)?.getSnapshot()).toBe("Tides turn.");
  });

  it("changes its shape with all words when the part ends, and none grow there any more", () => {
    const { growth, write } = written();
    const shape = write(start("a"));
    write(delta("a", "Tides"));
    const ended = write(end("a"));
    expect(ended).not.toBe(shape);
    expect(ended.parts).toEqual([{ type: "text", text: "Tides", state: "done" }]);
    expect(growth.words(0)).toBeNull();
  });

  it("changes its shape with every part and every change of a part that is not the last", () => {
    const { growth, write } = written();
    write(start("a"), start("b"));
    const shape = write(delta("a", "not the last"));
    expect(shape.parts[0]).toMatchObject({ text: "not the last" });
    expect(growth.words(0)).toBeNull();
    expect(write(delta("b", "the last"))).toBe(shape);
    expect(write({ type: "message-metadata", messageMetadata: { model: "demo" } } as Chunk)).not.toBe(shape);
  });

  it("tells the words of the same part, whatever came after it", () => {
    const { growth, write } = written();
    write(start("a"), delta("a", "one"));
    const words = growth.words(0);
    write(end("a"), start("b"), delta("b", "two"));
    expect(words?.getSnapshot()).toBe("one");
    expect(growth.words(1)?.getSnapshot()).toBe("two");
  });

  it("is another one once it is over, though nothing else came", () => {
    const { answer, growth, write } = written();
    const shape = write({ type: "tool-input-start", toolCallId: "t", toolName: "search" } as Chunk);
    answer.isOver = true;
    expect(growth.shape.getSnapshot()).not.toBe(shape);
    expect(growth.shape.getSnapshot()).toBe(growth.shape.getSnapshot());
  });

  it("is whole once it is over, even cut off within a part", () => {
    const { answer, growth, write } = written();
    write(start("a"));
    write(delta("a", "cut o"));
    answer.isOver = true;
    expect(growth.shape.getSnapshot().parts[0]).toMatchObject({ text: "cut o" });
  });
});
