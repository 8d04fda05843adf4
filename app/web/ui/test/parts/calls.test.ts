import { describe, expect, it } from "vitest";
import { type CallPart, choiceOf, details, stateWords, told } from "../../src/parts/calls";
import { thoughtFor } from "../../src/parts/thoughts";
import { waitsForPerson } from "../../src/parts/waiting";

const call = (fields: object): CallPart => ({ type: "tool-calculate", toolCallId: "t", state: "output-available", ...fields }) as CallPart;

describe("a call in words", () => {
  it("tells what was asked and what came of it", () => {
    expect(told(call({ input: { expression: "6*7" }, output: { result: "42" } }))).toEqual({ title: "Calculator", gist: "6*7 = 42" });
    expect(told(call({ state: "input-available", input: { expression: "6*7" } }))).toEqual({ title: "Calculator", gist: "6*7" });
    expect(told(call({ type: "tool-search_chats", input: { query: "tide" } })).gist).toBe("“tide”");
  });

  it("calls a tool it does not know by its name", () => {
    const part = call({ type: "dynamic-tool", toolName: "look_up_weather" });
    expect(told(part)).toEqual({ title: "look up weather", gist: null });
    expect(told(call({ type: "tool-constructor" }))).toEqual({ title: "constructor", gist: null });
  });

  it.each([null, undefined, 3, "x", [], { expression: 3 }, { query: {} }])("takes whatever a model writes: %j", (input) => {
    for (const type of ["tool-calculate", "tool-search_chats", "tool-ask_person"]) {
      expect(told(call({ type, input, output: input })).gist).toBeNull();
      expect(choiceOf(call({ type, input })).choices).toEqual([]);
    }
  });

  it("says how it stands", () => {
    expect(stateWords(call({}), true)).toBe("");
    expect(stateWords(call({ state: "input-available" }), true)).toBe("…");
    expect(stateWords(call({ state: "input-available" }), false)).toBe("not finished");
    expect(stateWords(call({ state: "output-denied" }), false)).toBe("not allowed");
    expect(stateWords(call({ state: "approval-requested" }), true)).toBe("waits for you");
    expect(stateWords(call({ type: "tool-ask_person", state: "input-available", input: { choices: ["a"] } }), true)).toBe("waits for you");
  });

  it("unfolds to what was asked, the result, the error and the reason", () => {
    const part = call({ input: { a: 1 }, output: "out", errorText: "no", approval: { id: "a", reason: "because" } });
    expect(details(part)).toEqual([["Asked", '{\n  "a": 1\n}'], ["Result", "out"], ["Error", "no"], ["Reason", "because"]]);
    expect(details(call({ input: null }))).toEqual([]);
  });

  it("waits for a person when it says so, or offers a choice", () => {
    expect(waitsForPerson(call({ state: "approval-requested" }))).toBe(true);
    const question = { type: "tool-ask_person", state: "input-available" };
    expect(waitsForPerson(call({ ...question, input: { question: "Which?", choices: ["a"] } }))).toBe(true);
    expect(waitsForPerson(call({ ...question, input: { choices: "a" } }))).toBe(false);
  });
});

describe("how long a thought took", () => {
  it.each([[undefined, "Thoughts"], [200, "Thought for a moment"], [1_200, "Thought for 1 second"], [45_000, "Thought for 45 seconds"], [95_000, "Thought for 1 min 35 s"]])(
    "%j ms: %s",
    (ms, words) => expect(thoughtFor(ms as number | undefined)).toBe(words),
  );
});
