/** Every chat that this tab has opened: answers are written on while another one is shown. */

import type { Client, EventFrame } from "@tidewire/client";
import { Thread } from "./thread";

/** How many chats are kept besides the one that is shown; more would only cost memory, and are read again. */
const KEPT = 24;

export class Threads {
  readonly #client: Client;
  /** The one opened last at the end. */
  readonly #threads = new Map<string, Thread>();
  /** Chats whose events were missed while they were not shown. */
  readonly #stale = new Set<string>();

  constructor(client: Client) {
    this.#client = client;
    client.onEvent((event) => this.#event(event));
    client.dashboard.subscribe(() => {
      for (const thread of this.#threads.values()) thread.rowChanged();
    });
  }

  get(chatId: string): Thread {
    const thread = this.#threads.get(chatId) ?? new Thread(chatId, this.#client);
    this.#threads.set(chatId, thread);
    return thread;
  }

  /** A chat that is about to be shown; read unless it is known and true already. */
  open(chatId: string): Thread {
    const thread = this.get(chatId);
    this.#threads.delete(chatId);
    this.#threads.set(chatId, thread);
    this.#forget(chatId);
    const { state } = thread.view;
    if (this.#stale.delete(chatId) || state === "new" || state === "failed") void thread.load();
    return thread;
  }

  /** Events may have been missed: whatever is shown is read again, everything else once it is shown. */
  missed(shown: string | null): void {
    for (const [chatId, thread] of this.#threads) {
      const { state } = thread.view;
      if (state === "loaded" || state === "missing") this.#stale.add(chatId);
    }
    if (shown !== null && this.#stale.delete(shown)) void this.get(shown).load();
  }

  #forget(shown: string): void {
    const idle = [...this.#threads].filter(([chatId, thread]) => chatId !== shown && thread.isIdle);
    for (const [chatId, thread] of idle.slice(0, Math.max(0, this.#threads.size - KEPT - 1))) {
      thread.close();
      this.#threads.delete(chatId);
      this.#stale.delete(chatId);
    }
  }

  #event(event: EventFrame): void {
    this.#threads.get(String(event.data.chatId))?.event(event);
  }
}
