/**
 * The questions of this browser in one chat that no server has confirmed, or that were refused: the outbox's part of it.
 *
 * What kind of question each is decides where it is shown: one that waits its turn stands above the composer, an edit in
 * its editor, every other below the thread.
 */

import type { Client, Outgoing } from "@tidewire/client";

export type Kind = "question" | "ahead" | "edit";

export class Own {
  readonly #client: Client;
  readonly #chatId: string;
  readonly #kinds = new Map<string, Kind>();
  readonly #leave: () => void;
  #all: readonly Outgoing[] = [];

  /** @param changed called with those that have left the outbox: a server has them. */
  constructor(chatId: string, client: Client, changed: (gone: readonly Outgoing[]) => void) {
    this.#client = client;
    this.#chatId = chatId;
    this.#all = this.#read();
    this.#leave = client.outbox.subscribe(() => this.#changed(changed));
  }

  close(): void {
    this.#leave();
  }

  /** Name a question's kind before it is asked. */
  mark(commandId: string, kind: Kind): void {
    this.#kinds.set(commandId, kind);
  }

  forget(commandId: string): void {
    this.#kinds.delete(commandId);
  }

  /** Undefined for a question that was asked before a reload, or in another tab. */
  kind(commandId: string): Kind | undefined {
    return this.#kinds.get(commandId);
  }

  get all(): readonly Outgoing[] {
    return this.#all;
  }

  /** Those that stand below the thread. */
  get below(): readonly Outgoing[] {
    return this.#all.filter(({ commandId, state }) => {
      const kind = this.#kinds.get(commandId);
      return kind !== "edit" && (kind !== "ahead" || state === "refused");
    });
  }

  /** Those that are to wait their turn. */
  get ahead(): readonly Outgoing[] {
    return this.#all.filter(({ commandId, state }) => this.#kinds.get(commandId) === "ahead" && state !== "refused");
  }

  get isSending(): boolean {
    return this.#all.some(({ state }) => state !== "refused");
  }

  /** Take a question back; it is not "gone" in the sense of accepted. */
  discard(commandId: string): void {
    this.#all = this.#all.filter((question) => question.commandId !== commandId);
    this.#kinds.delete(commandId);
    this.#client.discard(commandId);
  }

  #read(): readonly Outgoing[] {
    return this.#client.outbox.getSnapshot().filter(({ chatId }) => chatId === this.#chatId);
  }

  #changed(changed: (gone: readonly Outgoing[]) => void): void {
    const all = this.#read();
    if (all.length === this.#all.length && all.every((question, at) => isSame(question, this.#all[at]))) return;
    const gone = this.#all.filter(({ commandId }) => !all.some((question) => question.commandId === commandId));
    this.#all = all;
    changed(gone);
  }
}

const isSame = (one: Outgoing, other: Outgoing | undefined): boolean =>
  one.commandId === other?.commandId && one.state === other.state && one.error === other.error;
