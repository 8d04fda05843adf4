/** Small stores, and how React reads them. */

import { type Store, Watched } from "@tidewire/client";
import { useMemo, useSyncExternalStore } from "react";

/** One value that can be watched. */
export class Value<T> extends Watched<T> {
  #value: T;

  constructor(value: T) {
    super(() => this.#value);
    this.#value = value;
  }

  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    this.changed();
  }
}

/** What a store holds. */
export const useStore = <T>({ subscribe, getSnapshot }: Store<T>): T => useSyncExternalStore(subscribe, getSnapshot);

/**
 * A store that calls back at most every `ms`: at once when it was quiet, and always once more after the last change.
 * Whoever reads it in between sees the newest.
 */
export function throttled<T>(store: Store<T>, ms: number): Store<T> {
  return {
    getSnapshot: store.getSnapshot,
    subscribe: (listener) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isDue = false;
      const rest = () => {
        timer = undefined;
        if (isDue) call();
      };
      const call = () => {
        isDue = false;
        timer = setTimeout(rest, ms);
        listener();
      };
      const leave = store.subscribe(() => {
        if (timer === undefined) call();
        else isDue = true;
      });
      return () => {
        clearTimeout(timer);
        leave();
      };
    },
  };
}

/** What a store holds, drawn at most every `ms`. */
export function useThrottled<T>(store: Store<T>, ms: number): T {
  return useStore(useMemo(() => throttled(store, ms), [store, ms]));
}

/** Nothing that ever changes. */
export const STILL: Store<null> = { subscribe: () => () => {}, getSnapshot: () => null };
