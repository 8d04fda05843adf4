import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { CLOSES, verdict } from "../src/codes.js";
import { uuid7 } from "../src/ids.js";
import { advance, CLIENT_CONNECTION, IllegalTransition, isTerminal, STREAM, SUBSCRIPTION } from "../src/lifecycle.js";
import { LIMITS } from "../src/limits.js";
import { followChunks, followEvents } from "../src/positions.js";
import { TABLES } from "./vectors.js";
// @ts-expect-error -- the generator is a plain script
import { frames, PATH } from "../scripts/frames.mjs";

it("the types of the frames are what the schema says: `npm run frames` writes them", async () => {
  expect(await readFile(PATH as URL, "utf8")).toBe(await (frames as () => Promise<string>)());
});

describe("the tables of both languages are the same", () => {
  it("states", () => {
    expect(STREAM).toEqual(TABLES.states.stream);
    expect(CLIENT_CONNECTION).toEqual(TABLES.states.clientConnection);
    expect(SUBSCRIPTION).toEqual(TABLES.states.subscription);
  });

  it("codes", () => {
    expect(CLOSES).toEqual(TABLES.closes);
    const verdicts = Object.keys(TABLES.verdicts).map((code) => [code, verdict(Number(code))]);
    expect(Object.fromEntries(verdicts)).toEqual(TABLES.verdicts);
  });

  it("limits", () => {
    expect(TABLES.limits).toMatchObject(LIMITS);
  });
});

describe("a table", () => {
  it("says what cannot happen, and what could", () => {
    expect(advance(CLIENT_CONNECTION, "ready", "goodbye")).toBe("draining");
    expect(() => advance(CLIENT_CONNECTION, "closed", "goodbye")).toThrow(IllegalTransition);
    expect(() => advance(CLIENT_CONNECTION, "closed", "goodbye")).toThrow("what can: open");
    expect(() => advance(STREAM, "completed", "stop")).toThrow("nothing; it is final");
  });

  it("has final states", () => {
    expect(isTerminal("completed")).toBe(true);
    expect(isTerminal("stopping")).toBe(false);
  });
});

describe("positions", () => {
  it.each([
    [5, 5, 7, "apply"],
    [5, 3, 5, "drop"],
    [5, 4, 7, "gap"],
    [5, 6, 7, "gap"],
    [0, 0, 0, "drop"],
  ] as const)("after %d, chunks (%d, %d]: %s", (last, prev, seq, step) => {
    expect(followChunks(last, prev, seq)).toBe(step);
  });

  it.each([
    [5, 6, "apply"],
    [5, 5, "drop"],
    [5, 7, "gap"],
  ] as const)("after %d, event %d: %s", (last, offset, step) => {
    expect(followEvents(last, offset)).toBe(step);
  });
});

it("an id is a UUIDv7 of its time", () => {
  const random = [0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(uuid7(0x0192_3456_789a, random)).toBe("01923456-789a-7f01-8203-040506070809");
  expect(uuid7(0, Array(10).fill(0xff))).toBe("00000000-0000-7fff-bfff-ffffffffffff");
});
