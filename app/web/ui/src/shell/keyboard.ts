/** Does what the shortcuts ask for, wherever the focus is. */

import { useEffect } from "react";
import { sourceText } from "../chat/message";
import { useWorkspace, type Workspace } from "../workspace";
import { copyText } from "./copying";
import { type Shortcut, shortcutOf } from "./shortcuts";

export function useShortcuts(): void {
  const workspace = useWorkspace();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.isComposing) return;
      const shortcut = shortcutOf(event);
      if (shortcut === null || (shortcut !== "help" && document.querySelector("dialog[open]"))) return;
      if (shortcut === "undo" && (event.target as HTMLInputElement).value) return; // what was typed is taken back first
      if (DEEDS[shortcut](workspace) !== false) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [workspace]);
}

const focus = (selector: string) => document.querySelector<HTMLElement>(selector)?.focus();

/** At once, so that the next key goes there; or once it is shown, because what is hidden takes no focus. */
const focusNowOrSoon = (selector: string) => {
  focus(selector);
  if (!document.activeElement?.matches(selector)) requestAnimationFrame(() => focus(selector));
};

/** False: there is nothing to be done, and the browser has the key. */
const DEEDS: Readonly<Record<Shortcut, (workspace: Workspace) => void | boolean>> = {
  new: ({ places }) => {
    places.go("/");
    queueMicrotask(() => focus("[data-testid=composer]"));
  },
  search: ({ drawer }) => {
    drawer.show(true);
    focusNowOrSoon("#search");
  },
  help: ({ dialogs }) => dialogs.set(dialogs.getSnapshot() === "help" ? null : "help"),
  sidebar: ({ drawer }) => drawer.toggle(),
  focus: ({ drawer }) => {
    drawer.close();
    focusNowOrSoon("[data-testid=composer]");
  },
  copy: (workspace) => void copy(workspace),
  undo: ({ toasts }) => toasts.undoLast(),
};

/** The last answer of the chat that is shown, as it was written. */
async function copy({ threads, places, toasts }: Workspace): Promise<void> {
  const { messages } = threads.get(places.getSnapshot().chatId).view;
  const answer = messages.findLast(({ role }) => role === "assistant");
  if (!answer) return;
  try {
    await copyText(sourceText(answer));
    toasts.show({ words: "The last answer is copied." });
  } catch {
    toasts.show({ words: "The browser does not allow copying." });
  }
}
