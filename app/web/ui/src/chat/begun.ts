/**
 * Answers of this client that an event has told of, while a command of it waits for its ack.
 *
 * Of an answer that a command asked for, the ack says everything, and subscribes. But of one that waited for its turn only
 * the event tells, and the event may come before the ack that says "queued". So what was heard meanwhile is remembered,
 * and looked at once no ack is awaited any more.
 */
export class Begun {
  readonly #heard = new Map<string, string>();
  #awaited = 0;

  /** A command that starts an answer goes out; call what this returns when it was answered, however. */
  await(settled: (heard: ReadonlyMap<string, string>) => void): () => void {
    this.#awaited += 1;
    return () => {
      this.#awaited -= 1;
      if (this.#awaited > 0 || this.#heard.size === 0) return;
      const heard = new Map(this.#heard);
      this.#heard.clear();
      settled(heard);
    };
  }

  /** Whether to join an answer of this client now; false: its ack may be under way. */
  hear(streamId: string, messageId: string): boolean {
    if (this.#awaited === 0) return true;
    this.#heard.set(streamId, messageId);
    return false;
  }
}
