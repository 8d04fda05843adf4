import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Chunk } from "../../src/parts/chunks.js";
import { append, coalesce } from "../../src/parts/coalesce.js";
import { Fold, fold } from "../../src/parts/fold.js";
import { FOLDS } from "../vectors.js";

describe.each(FOLDS)("$name", ({ chunks, message }) => {
  it("folds to the message of the vector", () => {
    expect(fold(chunks).message).toEqual(message);
  });

  it("g09 folds to the same, however neighbours are merged before", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: chunks.length, maxLength: chunks.length }), (cuts) => {
        const log: Chunk[] = [];
        let run: Chunk[] = [];
        chunks.forEach((chunk, at) => {
          run.push(chunk);
          if (cuts[at] === 0 || at === chunks.length - 1) {
            log.push(...coalesce(run));
            run = [];
          }
        });
        expect(fold(log).message).toEqual(message);
      }),
      { numRuns: 20 },
    );
  });

  it("folds to the same when it is looked at after every chunk", () => {
    const looked = new Fold();
    for (const chunk of chunks) {
      looked.apply(chunk);
      expect(looked.message.parts).toBeDefined();
    }
    expect(looked.message).toEqual(message);
  });
});

describe("a fold", () => {
  const begun = [
    { type: "start", messageId: "m" },
    { type: "start-step" },
    { type: "text-start", id: "a" },
    { type: "text-delta", id: "a", delta: "one" },
    { type: "text-end", id: "a" },
    { type: "text-start", id: "b" },
  ] as const satisfies readonly Chunk[];

  it("keeps the identity of what did not change, so that a page renders only what did", () => {
    const growing = fold(begun);
    const before = growing.message;
    expect(growing.message).toBe(before);
    growing.apply({ type: "text-delta", id: "b", delta: "two" });
    const after = growing.message;
    expect(after).not.toBe(before);
    expect(after.parts[1]).toBe(before.parts[1]);
    expect(after.parts[2]).not.toBe(before.parts[2]);
    expect(before.parts[2]).toMatchObject({ text: "" });
  });

  it.each([
    [{ type: "text-delta", id: "zz", delta: "secret" }, "text-start must come before it"],
    [{ type: "reasoning-end", id: "zz" }, "reasoning-start must come before it"],
    [{ type: "tool-input-delta", toolCallId: "zz", inputTextDelta: "{" }, "before its tool-input-start"],
    [{ type: "tool-output-denied", toolCallId: "zz" }, "which no chunk before it made"],
    [{ type: "tool-approval-response", approvalId: "zz", approved: true }, "which nobody requested"],
  ] as const)("refuses %o, which cannot follow, without quoting it", (chunk, why) => {
    expect(() => fold([...begun, chunk])).toThrow(why);
    expect(() => fold([...begun, chunk])).not.toThrow("secret");
  });

  it("knows its last chunk", () => {
    expect(fold(begun).last).toBeNull();
    expect(fold([...begun, { type: "abort", reason: "user" }]).last).toEqual({ type: "abort", reason: "user" });
  });
});

describe("merging", () => {
  it("merges only plain deltas of one kind and one id", () => {
    const log: Chunk[] = [];
    append(log, [
      { type: "text-delta", id: "a", delta: "1" },
      { type: "text-delta", id: "a", delta: "2" },
      { type: "text-delta", id: "b", delta: "3" },
      { type: "reasoning-delta", id: "b", delta: "4" },
      { type: "reasoning-delta", id: "b", delta: "5", providerMetadata: {} },
      { type: "tool-input-delta", toolCallId: "b", inputTextDelta: "6" },
      { type: "tool-input-delta", toolCallId: "b", inputTextDelta: "7" },
    ]);
    expect(log.map((chunk) => Object.values(chunk).slice(1, 3).join())).toEqual(["a,12", "b,3", "b,4", "b,5", "b,67"]);
  });
});
