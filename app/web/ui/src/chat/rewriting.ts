/** Answers of which another version is being asked for, and why that did not work. */

import { CommandRefused, type ErrorObject } from "@tidewire/client";

interface Rewrite {
  readonly commandId: string;
  readonly error: ErrorObject | null;
}

export class Rewriting {
  readonly #rewrites = new Map<string, Rewrite>();

  isUnderWay(messageId: string): boolean {
    return this.#rewrites.get(messageId)?.error === null;
  }

  error(messageId: string): ErrorObject | null {
    return this.#rewrites.get(messageId)?.error ?? null;
  }

  begin(messageId: string, commandId: string): void {
    this.#rewrites.set(messageId, { commandId, error: null });
  }

  done(messageId: string): void {
    this.#rewrites.delete(messageId);
  }

  failed(messageId: string, error: ErrorObject): void {
    const rewrite = this.#rewrites.get(messageId);
    if (rewrite) this.#rewrites.set(messageId, { ...rewrite, error });
  }

  /** The commands that have no ack yet. */
  get commands(): readonly string[] {
    return [...this.#rewrites.values()].flatMap(({ commandId, error }) => (error ? [] : [commandId]));
  }
}

/** Why something was not done, in the words of the wire. */
export const errorOf = (failure: unknown): ErrorObject =>
  failure instanceof CommandRefused
    ? failure.error
    : { code: "internal", message: (failure as Error).message, retryable: true };
