import type { KeyboardEvent } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { sends } from "../../src/thread/sends";

afterEach(() => vi.unstubAllGlobals());

const press = (change: object = {}) =>
  sends({ key: "Enter", shiftKey: false, ctrlKey: false, metaKey: false, nativeEvent: { isComposing: false }, ...change } as KeyboardEvent);

const on = (isGlass: boolean) => vi.stubGlobal("matchMedia", (query: string) => ({ matches: isGlass && query === "(pointer: coarse)" }));

it("Enter sends, unless it begins a line or belongs to what is being composed", () => {
  on(false);
  expect([press(), press({ ctrlKey: true })]).toEqual([true, true]);
  expect([press({ shiftKey: true }), press({ nativeEvent: { isComposing: true } }), press({ key: "a" })]).toEqual([false, false, false]);
});

it("Enter begins a line where there is no Shift+Enter", () => {
  on(true);
  expect([press(), press({ ctrlKey: true }), press({ metaKey: true })]).toEqual([false, true, true]);
});
