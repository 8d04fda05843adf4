/** Small stores, and how React reads them. */

import { type Store, Watched } from "@tidewire/client";
import { useMemo, useSyncExternalStore } from "react";
import type { Rhythm } from "./pace";

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
 * A store that calls back in a rhythm at most: at once when it was quiet, and always once more after the last change.
 * All who watch it are called together; whoever reads it in between sees the newest.
 */
export class Throttled<T> implements Store<T> {
  readonly getSnapshot: () => T;
  readonly #store: Store<T>;
  readonly #rhythm: Rhythm;
  readonly #listeners = new Set<() => void>();
  #leave = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDue = false;

  constructor(store: Store<T>, rhythm: Rhythm) {
    this.getSnapshot = store.getSnapshot;
    this.#store = store;
    this.#rhythm = rhythm;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#leave = this.#store.subscribe(() => this.#changed());
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#end();
    };
  };

  #changed(): void {
    if (this.#timer === undefined) this.#call();
    else this.#isDue = true;
  }

  #call(): void {
    this.#isDue = false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isDue) this.#call();
    }, this.#rhythm.ms);
    this.#rhythm.draw(() => {
      for (const listener of [...this.#listeners]) listener();
    });
  }

  #end(): void {
    this.#leave();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }
}

/** What a store holds, drawn in a rhythm at most. */
export function useThrottled<T>(store: Store<T>, rhythm: Rhythm): T {
  return useStore(useMemo(() => new Throttled(store, rhythm), [store, rhythm]));
}

/** Nothing that ever changes. */
export const STILL: Store<null> = { subscribe: () => () => {}, getSnapshot: () => null };
