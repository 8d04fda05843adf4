/**
 * Questions on their way: what a person has written and no server has confirmed yet.
 *
 * Each is kept in the storage under a key of its own from before it is sent until its ack, so neither a reload nor a
 * crash loses it. Afterwards it goes out again under the same id, which has one effect (guarantee 3); two tabs over one
 * storage may therefore both send it.
 */

import type { CommandOf } from "../commands.js";
import type { ErrorObject, Question } from "../frames.js";
import type { Clock, Storage } from "./platform.js";
import { Watched } from "./store.js";

/** A command with words of a person in it. */
export type Written = CommandOf<"message.send" | "message.edit">;

/** A question on its way, as a page shows it. */
export interface Outgoing {
  readonly commandId: string;
  readonly chatId: string;
  readonly message: Question;
  /** `waiting` for a connection, `sent` and not confirmed, or `refused`: retry or discard it. */
  readonly state: "waiting" | "sent" | "refused";
  readonly error: ErrorObject | null;
  /** When it was written, in Unix milliseconds. */
  readonly since: number;
}

interface Entry {
  readonly frame: Written;
  /** Who wrote it; null when nobody had been greeted yet. */
  readonly userId: string | null;
  readonly since: number;
  readonly error: ErrorObject | null;
}

// As long as a server remembers a command id: later the same command might have a second effect.
const FRESH = 24 * 3_600_000;
const STALE: ErrorObject = {
  code: "timeout",
  message: "This could not be sent for more than a day. Send it again?",
  retryable: true,
};

export class Kept {
  readonly store: Watched<readonly Outgoing[]>;
  readonly #entries = new Map<string, Entry>();
  readonly #storage: Storage | undefined;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #stateOf: (commandId: string) => "waiting" | "sent" | null;
  #userId: string | null = null;
  #view: readonly Outgoing[] | null = null;

  /**
   * @param scope tells the questions of several clients over one storage apart.
   * @param stateOf how a command stands with the connection.
   */
  constructor(
    storage: Storage | undefined,
    scope: string,
    clock: Clock,
    stateOf: (commandId: string) => "waiting" | "sent" | null,
  ) {
    this.#storage = storage;
    this.#prefix = `tidewire.outbox.${scope}.`;
    this.#clock = clock;
    this.#stateOf = stateOf;
    this.store = new Watched(() => this.#outgoing());
  }

  /** Bring back what was not confirmed when the application ended; what cannot be read is thrown away. */
  async restore(): Promise<void> {
    const storage = this.#storage;
    if (!storage) return;
    for (const key of await storage.getAllKeys()) {
      if (!key.startsWith(this.#prefix) || this.#entries.has(key.slice(this.#prefix.length))) continue;
      const entry = parsed(await storage.getItem(key));
      if (entry === null) await storage.removeItem(key);
      else this.#entries.set(entry.frame.id, this.#aged(entry));
    }
    this.changed();
  }

  /** Somebody was greeted: what others wrote is neither shown nor sent. */
  greeted(userId: string): void {
    this.#userId = userId;
    this.changed();
  }

  /** Keep a question before it is sent; one that is kept already stays as it is. */
  add(frame: Written): void {
    if (this.#entries.has(frame.id)) return;
    this.#put({ frame, userId: this.#userId, since: this.#clock.unixMs(), error: null });
  }

  /** Those that ought to be on their way: not refused, and of the user who was greeted. */
  due(): readonly Written[] {
    return this.#own().flatMap(({ frame, error }) => (error === null ? [frame] : []));
  }

  /** A server has it, or nobody wants it any more. */
  remove(commandId: string): void {
    if (!this.#entries.delete(commandId)) return;
    this.#store((storage) => storage.removeItem(this.#prefix + commandId));
    this.changed();
  }

  /** The server said no; it stays until it is tried again or discarded. */
  refused(commandId: string, error: ErrorObject): void {
    const entry = this.#entries.get(commandId);
    if (entry) this.#put({ ...entry, error });
  }

  /** Try a refused one again; undefined when there is none of this id. */
  retry(commandId: string): Written | undefined {
    const entry = this.#entries.get(commandId);
    if (!entry?.error) return undefined;
    this.#put({ ...entry, since: this.#clock.unixMs(), error: null });
    return entry.frame;
  }

  changed(): void {
    this.#view = null;
    this.store.changed();
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.frame.id, entry);
    this.#store((storage) => storage.setItem(this.#prefix + entry.frame.id, JSON.stringify(entry)));
    this.changed();
  }

  /** Write to the storage; one that is full or forbidden costs the keeping over a restart, nothing else. */
  #store(write: (storage: Storage) => void | Promise<void>): void {
    if (!this.#storage) return;
    try {
      Promise.resolve(write(this.#storage)).catch(() => {});
    } catch {
      // The same, said at once.
    }
  }

  #aged(entry: Entry): Entry {
    return entry.error === null && this.#clock.unixMs() - entry.since > FRESH ? { ...entry, error: STALE } : entry;
  }

  #own(): readonly Entry[] {
    const isOwn = ({ userId }: Entry) => userId === null || this.#userId === null || userId === this.#userId;
    return [...this.#entries.values()].filter(isOwn);
  }

  #outgoing(): readonly Outgoing[] {
    this.#view ??= this.#own().map(({ frame, since, error }) => ({
      commandId: frame.id,
      chatId: frame.chatId,
      message: frame.message,
      state: error ? "refused" : (this.#stateOf(frame.id) ?? "waiting"),
      error,
      since,
    }));
    return this.#view;
  }
}

function parsed(text: string | null): Entry | null {
  try {
    const entry = JSON.parse(text ?? "null") as Partial<Entry> | null;
    const { frame, since, userId = null, error = null } = entry ?? {};
    const isWhole = typeof frame?.id === "string" && Array.isArray(frame.message?.parts);
    return isWhole && typeof since === "number" ? { frame, since, userId, error } : null;
  } catch {
    return null;
  }
}
