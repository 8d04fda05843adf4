import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Toasts } from "../src/shell/toasts";
import { UNDO_MS } from "../src/timing";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function shown() {
  const toasts = new Toasts();
  const undo = vi.fn();
  const gone = vi.fn();
  return { toasts, undo, gone, id: toasts.show({ words: "Deleted.", undo, gone }) };
}

describe("something that can be taken back", () => {
  it("is final when its time is over", () => {
    const { toasts, undo, gone, id } = shown();
    vi.advanceTimersByTime(UNDO_MS - 1);
    expect(gone).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(gone).toHaveBeenCalledTimes(1);
    toasts.undo(id);
    toasts.close(id);
    expect([undo.mock.calls.length, gone.mock.calls.length]).toEqual([0, 1]);
    expect(toasts.getSnapshot()).toEqual([]);
  });

  it("is never final once it was taken back", () => {
    const { toasts, undo, gone, id } = shown();
    toasts.undo(id);
    vi.advanceTimersByTime(UNDO_MS * 2);
    toasts.closeAll();
    expect([undo.mock.calls.length, gone.mock.calls.length]).toEqual([1, 0]);
  });

  it("waits while somebody looks at it", () => {
    const { toasts, gone, id } = shown();
    toasts.hold(id);
    vi.advanceTimersByTime(UNDO_MS * 10);
    expect(gone).not.toHaveBeenCalled();
    toasts.release(id);
    vi.advanceTimersByTime(UNDO_MS);
    expect(gone).toHaveBeenCalledTimes(1);
  });

  it("is final when the page goes", () => {
    const { toasts, gone } = shown();
    toasts.closeAll();
    expect(gone).toHaveBeenCalledTimes(1);
  });
});

it("of more than three the oldest goes at once", () => {
  const toasts = new Toasts();
  const gone = [0, 1, 2, 3].map(() => vi.fn());
  for (const [at, each] of gone.entries()) toasts.show({ words: `${at}`, gone: each });
  expect(gone.map((each) => each.mock.calls.length)).toEqual([1, 0, 0, 0]);
  expect(toasts.getSnapshot().map(({ words }) => words)).toEqual(["1", "2", "3"]);
});
