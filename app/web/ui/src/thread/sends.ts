/** Which key sends what is written. */

import type { KeyboardEvent } from "react";

/**
 * Enter sends and Shift+Enter begins a new line; on a keyboard of glass, which has no such pair, Enter begins the line.
 * There the button sends, or Ctrl+Enter where a real keyboard is at hand.
 */
export function sends({ key, shiftKey, ctrlKey, metaKey, nativeEvent }: KeyboardEvent): boolean {
  if (key !== "Enter" || shiftKey || nativeEvent.isComposing) return false;
  return ctrlKey || metaKey || !matchMedia("(pointer: coarse)").matches;
}
