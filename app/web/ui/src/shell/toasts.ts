/** Short words about what has just been done, each with a way back for as long as it stands. */

import { Watched } from "@tidewire/client";
import { UNDO_MS } from "../timing";

export interface Toast {
  readonly words: string;
  /** Takes back what was done. */
  readonly undo?: (() => void) | undefined;
  /** The way back is closed. Called exactly once, unless `undo` was. */
  readonly gone?: (() => void) | undefined;
}

export interface StandingToast extends Toast {
  readonly id: number;
}

/** More would hide the page; the oldest then goes at once. */
const MOST = 3;

export class Toasts extends Watched<readonly StandingToast[]> {
  #toasts: readonly StandingToast[] = [];
  #last = 0;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    super(() => this.#toasts);
  }

  show(toast: Toast): number {
    const id = (this.#last += 1);
    this.#toasts = [...this.#toasts, { ...toast, id }];
    this.release(id);
    for (const { id: old } of this.#toasts.slice(0, -MOST)) this.close(old);
    this.changed();
    return id;
  }

  /** Somebody looks at it: it stays. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** Nobody looks at it any more: its time begins anew. */
  release(id: number): void {
    this.hold(id);
    if (this.#toasts.some((toast) => toast.id === id)) this.#timers.set(id, setTimeout(() => this.close(id), UNDO_MS));
  }

  undo(id: number): void {
    this.#take(id)?.undo?.();
  }

  /** Take back what was done last; false when there is nothing to take back. */
  undoLast(): boolean {
    const last = this.#toasts.findLast(({ undo }) => undo);
    if (last) this.undo(last.id);
    return last !== undefined;
  }

  close(id: number): void {
    this.#take(id)?.gone?.();
  }

  /** Close every way back, as before the page goes. */
  closeAll(): void {
    for (const { id } of this.#toasts) this.close(id);
  }

  #take(id: number): StandingToast | undefined {
    this.hold(id);
    const taken = this.#toasts.find((toast) => toast.id === id);
    this.#toasts = this.#toasts.filter((toast) => toast !== taken);
    if (taken) this.changed();
    return taken;
  }
}
