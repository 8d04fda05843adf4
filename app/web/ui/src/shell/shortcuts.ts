/** The keys that work everywhere on the page, as a table: what does each do, and how is it written. */

export type Shortcut = "new" | "search" | "help" | "sidebar" | "focus" | "copy" | "undo";

interface Keys {
  /** `event.key`, in lower case. */
  readonly key: string;
  /** Ctrl, or ⌘ on a Mac. */
  readonly ctrl: boolean;
  /** Null: it does not matter, as for a sign that is typed with Shift on some keyboards. */
  readonly shift: boolean | null;
  readonly words: string;
}

export const SHORTCUTS: Readonly<Record<Shortcut, Keys>> = {
  new: { key: "o", ctrl: true, shift: true, words: "New chat" },
  search: { key: "k", ctrl: true, shift: false, words: "Search in chats" },
  sidebar: { key: "s", ctrl: true, shift: null, words: "Show or hide the chats" },
  focus: { key: "escape", ctrl: false, shift: true, words: "Go to your message" },
  copy: { key: "c", ctrl: true, shift: true, words: "Copy the last answer" },
  undo: { key: "z", ctrl: true, shift: false, words: "Bring back what was deleted" },
  help: { key: "/", ctrl: true, shift: null, words: "Show these keys" },
};

/** As much of a `KeyboardEvent` as counts. */
export interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** What a press asks for; null: nothing of ours. */
export function shortcutOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Press): Shortcut | null {
  if (altKey) return null;
  const isCtrl = ctrlKey || metaKey;
  const found = Object.entries(SHORTCUTS).find(
    ([, keys]) => keys.key === key.toLowerCase() && keys.ctrl === isCtrl && (keys.shift ?? shiftKey) === shiftKey,
  );
  return (found?.[0] as Shortcut | undefined) ?? null;
}

/** How a shortcut is written: its keys one by one. */
export function keysOf(shortcut: Shortcut, isMac: boolean): readonly string[] {
  const { key, ctrl, shift } = SHORTCUTS[shortcut];
  const last = key === "escape" ? "Esc" : key.toUpperCase();
  return [...(ctrl ? [isMac ? "⌘" : "Ctrl"] : []), ...(shift ? [isMac ? "⇧" : "Shift"] : []), last];
}

export const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform);
