/** What the browser says of the page: whether it is looked at, whether there is a network. */

import type { Store } from "@tidewire/client";

const store = <T>(target: EventTarget, names: readonly string[], getSnapshot: () => T): Store<T> => ({
  getSnapshot,
  subscribe: (listener) => {
    for (const name of names) target.addEventListener(name, listener);
    return () => {
      for (const name of names) target.removeEventListener(name, listener);
    };
  },
});

export const visibility = store(document, ["visibilitychange"], () => !document.hidden);
export const online = store(window, ["online", "offline"], () => navigator.onLine);
