/** Everything of a client that waits for the server: commands and answers. Nothing here blocks. */

import type { Answered, Lost, Notice, Refused, Subscribed } from "../client/notices.js";
import type { Command } from "../commands.js";
import type { JsonObject } from "../frames.js";
import { Answer } from "./answer.js";
import { CommandRefused, StreamLost } from "./errors.js";

interface Waiter {
  readonly take: (result: JsonObject) => void;
  readonly fail: (failure: Error) => void;
}

/** A command that waits for its answer, and everybody who waits for it: it may be asked for twice under one id. */
interface Pending {
  readonly frame: Command;
  readonly waiters: Waiter[];
}

export class OpenWork {
  readonly #commands = new Map<string, Pending>();
  readonly #answers = new Map<string, Answer>();

  /** Whether a command waits for its answer under this id already. */
  waitsFor(commandId: string): boolean {
    return this.#commands.has(commandId);
  }

  /** Wait for the answer to a command; `build` makes the value before any later frame is looked at. */
  waitFor<T>(frame: Command, build: (result: JsonObject) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = (result: JsonObject) => {
        try {
          resolve(build(result));
        } catch (problem) {
          reject(problem);
        }
      };
      const pending = this.#commands.get(frame.id) ?? { frame, waiters: [] };
      this.#commands.set(frame.id, pending);
      pending.waiters.push({ take, fail: reject });
    });
  }

  /** Let go of a command that was not sent or will not be. */
  giveUp(commandId: string, failure: Error): void {
    const pending = this.#commands.get(commandId);
    this.#commands.delete(commandId);
    for (const { fail } of pending?.waiters ?? []) fail(failure);
  }

  /** The answer of a stream, if it is followed. */
  answer(streamId: string): Answer | undefined {
    return this.#answers.get(streamId);
  }

  /** The answer that is being written in a chat, if it is followed; of several the newest. */
  answerIn(chatId: string): Answer | undefined {
    return this.answers.filter((answer) => answer.place?.chatId === chatId).at(-1);
  }

  /** The streams that are followed. */
  get answers(): readonly Answer[] {
    return [...this.#answers.values()];
  }

  /** Hand the chunks of a stream to this answer from now on. */
  follow(answer: Answer): Answer {
    this.#answers.set(answer.streamId, answer);
    return answer;
  }

  /** Follow an answer no longer; returns whether it was followed. */
  drop(answer: Answer, failure: Error): boolean {
    if (this.#answers.get(answer.streamId) !== answer) return false;
    this.#answers.delete(answer.streamId);
    answer.fail(failure);
    return true;
  }

  /** End everything that waits. */
  fail(failure: Error): void {
    for (const commandId of [...this.#commands.keys()]) this.giveUp(commandId, failure);
    for (const answer of this.answers) this.drop(answer, failure);
  }

  /** Do what a notice says. */
  take(notice: Notice): void {
    switch (notice.type) {
      case "stream.chunk":
        return this.#answers.get(notice.streamId)?.take(notice);
      case "stream.status":
        return this.#answers.get(notice.streamId)?.say(notice);
      case "stream.end": {
        const answer = this.#answers.get(notice.streamId);
        this.#answers.delete(notice.streamId);
        return answer?.ended(notice);
      }
      case "subscribed":
        return this.#subscribed(notice);
      case "lost":
        return this.#lost(notice);
      case "answered":
        return this.#answered(notice);
      case "refused":
        return this.#refused(notice);
    }
  }

  #subscribed({ streamId, chatId, messageId, status }: Subscribed): void {
    this.#answers.get(streamId)?.at({ chatId, messageId }, status);
  }

  #lost({ streamId, error }: Lost): void {
    const answer = this.#answers.get(streamId);
    if (answer) this.drop(answer, new StreamLost(streamId, error));
  }

  #answered({ id, result }: Answered): void {
    const pending = this.#commands.get(id);
    this.#commands.delete(id);
    for (const { take } of pending?.waiters ?? []) take(result);
  }

  #refused({ id, error }: Refused): void {
    const pending = this.#commands.get(id);
    if (pending) this.giveUp(id, new CommandRefused(pending.frame.type, error));
  }
}
