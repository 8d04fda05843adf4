/** State that can be watched, in the shape that React's `useSyncExternalStore` and its like expect. */

export interface Store<T> {
  /** Call back whenever the snapshot may be another one; returns how to end that. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The state now: the same object until something changes. */
  readonly getSnapshot: () => T;
}

/** A store over state that lives elsewhere; whoever changes that says so with `changed`. */
export class Watched<T> implements Store<T> {
  readonly getSnapshot: () => T;
  readonly #listeners = new Set<() => void>();

  constructor(getSnapshot: () => T) {
    this.getSnapshot = getSnapshot;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener(); // so that subscribing twice means two subscriptions
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  };

  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
