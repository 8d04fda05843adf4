/**
 * The commands that wait for their answer, and those that wait for a socket.
 *
 * Every command keeps its id until it is answered, so sending it again on another socket has one effect (guarantee 3).
 * What the application asked is sent again after a reconnect; what the connection asked for itself is derived anew.
 */

import { byteLength, encode } from "../codec.js";
import type { Command } from "../commands.js";

export type Purpose = "application" | "subscribe" | "unsubscribe" | "resume" | "snapshot";

// Sixteen frames of the largest size; an application that fills this is sending faster than any server answers.
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_TRIES = 10;

/** More commands wait than a client may hold; wait for some answers first. */
export class OutboxFull extends Error {
  override readonly name = "OutboxFull";
}

/** One command without an answer. */
export interface Waiting {
  readonly frame: Command;
  readonly text: string;
  readonly bytes: number;
  readonly purpose: Purpose;
  /** The socket it was sent on; null while it waits for one. */
  link: number | null;
  /** How many were given before it. */
  readonly number: number;
  /** Whether a server may carry it out, or may have: it is on its way, or was when its socket died. */
  wasSent: boolean;
  /** Whether its socket died once before it was answered; a refusal later says nothing about that. */
  isDoubtful: boolean;
  /** The earliest time to send it. */
  notBefore: number;
  /** How often a server put it off. */
  tries: number;
  /** Until when it is tried again where the server could not say when that helps; null before its first refusal. */
  patientUntil: number | null;
  /** A socket it is not sent on again. */
  shuns: number | null;
}

/** Commands by id, in the order they were given. */
export class Outbox {
  #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #given = 0;

  get size(): number {
    return this.#waiting.size;
  }

  get(commandId: string): Readonly<Waiting> | undefined {
    return this.#waiting.get(commandId);
  }

  /**
   * Take a command.
   *
   * @throws OutboxFull when what waits already is too much; the connection's own commands always find room.
   */
  add(frame: Command, purpose: Purpose): void {
    const text = encode(frame);
    const bytes = byteLength(text);
    if (purpose === "application" && this.#bytes + bytes > MOST_BYTES) {
      throw new OutboxFull("Too many commands wait for an answer. Wait for some of them before sending more.");
    }
    const fresh = { link: null, wasSent: false, isDoubtful: false, notBefore: 0, tries: 0, patientUntil: null, shuns: null };
    this.#put({ frame, text, bytes, purpose, number: (this.#given += 1), ...fresh });
  }

  /**
   * Mark as sent on this socket what may go now, at most `most` in flight there, and return it in order. What was
   * given behind a command that was put off, about the same chat or project, waits until that one is answered.
   */
  due(link: number, most: number, now: number): readonly Waiting[] {
    const room = Math.max(0, most - this.inFlight(link));
    const late = new Set<string>();
    const isReady = (entry: Waiting): boolean => {
      const things = thingsOf(entry);
      const isBehind = things.some((id) => late.has(id));
      if (isBehind || entry.tries > 0) for (const id of things) late.add(id);
      return !isBehind && entry.link === null && entry.shuns !== link && entry.notBefore <= now;
    };
    const ready = this.#entries(isReady).slice(0, room);
    for (const entry of ready) {
      entry.link = link;
      entry.wasSent = true;
    }
    return ready;
  }

  /** Whether a command given after this one, about the same chat or project, may have been carried out already. */
  isOvertaken({ number, ...entry }: Waiting): boolean {
    const things = thingsOf(entry);
    const isNext = (other: Waiting): boolean => other.number > number && other.wasSent;
    return this.#entries(isNext).some((other) => thingsOf(other).some((id) => things.includes(id)));
  }

  /** How many commands this socket still owes an answer. */
  inFlight(link: number): number {
    return this.#entries((entry) => entry.link === link).length;
  }

  /** Take out the command that was answered; undefined when it was answered before or never asked. */
  answered(commandId: string): Waiting | undefined {
    const entry = this.#waiting.get(commandId);
    if (entry) {
      this.#waiting.delete(commandId);
      this.#bytes -= entry.bytes;
    }
    return entry;
  }

  /** Take out a command that no server carries out; false when one may, or may have. */
  withdraw(commandId: string): boolean {
    const entry = this.#waiting.get(commandId);
    return entry !== undefined && !entry.wasSent && this.answered(commandId) !== undefined;
  }

  /** Put a refused command back to be sent again later; false when it was put off too often. */
  hold(entry: Waiting, until: number): boolean {
    entry.tries += 1;
    if (entry.tries > MOST_TRIES) return false;
    entry.link = null;
    entry.notBefore = until;
    this.#putBack(entry);
    return true;
  }

  /** Put a refused command back to be sent on another socket than this one, as soon as there is one. */
  keepForAnother(entry: Waiting, link: number): void {
    entry.link = null;
    entry.shuns = link;
    this.#putBack(entry);
  }

  /** A socket is gone: what the application sent on it waits for the next one. */
  lost(link: number): void {
    for (const entry of this.#entries((each) => each.link === link)) {
      entry.link = null;
      entry.isDoubtful = true;
    }
  }

  /** Forget what the connection asked for itself; a new socket makes those questions anew. */
  forgetOwn(): void {
    for (const { frame } of this.#entries((entry) => entry.purpose !== "application")) this.answered(frame.id);
  }

  /** Take out everything the application asked; returns the ids. */
  abandon(): readonly string[] {
    const found = this.#entries((entry) => entry.purpose === "application").map(({ frame }) => frame.id);
    for (const id of found) this.answered(id);
    return found;
  }

  /** Take out token refreshes without an answer: the next `hello` carries the token and proves as much. */
  refreshes(): readonly Waiting[] {
    const found = this.#entries((entry) => entry.link === null && entry.frame.type === "auth.refresh");
    for (const { frame } of found) this.answered(frame.id);
    return found;
  }

  /** When the next command that was put off may go; null when none was. */
  deadline(now: number): number | null {
    const times = this.#entries((entry) => entry.link === null && entry.notBefore > now).map((each) => each.notBefore);
    return times.length > 0 ? Math.min(...times) : null;
  }

  #put(entry: Waiting): void {
    this.#waiting.set(entry.frame.id, entry);
    this.#bytes += entry.bytes;
  }

  /** To where it was: commands keep the order in which they were given. */
  #putBack(entry: Waiting): void {
    entry.wasSent = entry.isDoubtful;
    this.#put(entry);
    this.#waiting = new Map([...this.#waiting].sort(([, one], [, other]) => one.number - other.number));
  }

  #entries(test: (entry: Waiting) => boolean): Waiting[] {
    return [...this.#waiting.values()].filter(test);
  }
}

/** The chat and the project that a command changes; nothing for one that need not keep an order with others. */
function thingsOf({ frame }: Pick<Waiting, "frame">): readonly string[] {
  if (!/^(message|chat\.[cud]|project|queue)/.test(frame.type)) return [];
  const { chatId, projectId } = frame as { readonly chatId?: string; readonly projectId?: string };
  return [chatId, projectId].filter((id) => id !== undefined && id !== "") as string[];
}
