import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { every } from "../src/pace";
import { Throttled, Value } from "../src/store";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(ms: number) {
  const value = new Value(0);
  const seen: number[] = [];
  const store = new Throttled(value, every(ms));
  const leave = store.subscribe(() => seen.push(store.getSnapshot()));
  return { value, seen, leave };
}

describe("a throttled store", () => {
  it("tells of the first change at once, and of the last one after the wait", () => {
    const { value, seen } = watched(16);
    for (const next of [1, 2, 3]) value.set(next);
    expect(seen).toEqual([1]);
    vi.advanceTimersByTime(16);
    expect(seen).toEqual([1, 3]);
    vi.advanceTimersByTime(100);
    expect(seen).toEqual([1, 3]);
  });

  it("calls at most once per wait, however much changes", () => {
    const { value, seen } = watched(16);
    for (let ms = 0; ms < 160; ms += 1) {
      value.set(ms + 1);
      vi.advanceTimersByTime(1);
    }
    vi.advanceTimersByTime(16);
    expect(seen.length).toBeLessThanOrEqual(12);
    expect(seen.at(-1)).toBe(160);
  });

  it("calls all who watch it together, and none who left", () => {
    const value = new Value(0);
    const store = new Throttled(value, every(16));
    const seen: string[] = [];
    const leaves = ["a", "b"].map((name) => store.subscribe(() => seen.push(`${name}${store.getSnapshot()}`)));
    value.set(1);
    value.set(2);
    vi.advanceTimersByTime(16);
    expect(seen).toEqual(["a1", "b1", "a2", "b2"]);
    leaves[0]?.();
    leaves[0]?.();
    value.set(3);
    vi.advanceTimersByTime(16);
    expect(seen.slice(4)).toEqual(["b3"]);
    leaves[1]?.();
    value.set(4);
    vi.advanceTimersByTime(16);
    expect(seen.length).toBe(5);
  });

  it("is silent once it was left", () => {
    const { value, seen, leave } = watched(16);
    value.set(1);
    value.set(2);
    leave();
    vi.advanceTimersByTime(100);
    value.set(3);
    expect(seen).toEqual([1]);
  });
});
