/** What the stop button is about. */

import type { Client, Outgoing } from "@tidewire/client";
import type { Path } from "./path";

export interface StopTarget {
  /** The stream's id, or the command's while its answer has no name yet. */
  readonly key: string;
  readonly which: Parameters<Client["stop"]>[0];
}

/** What is under way in a chat, as far as it can be stopped. */
export interface UnderWay {
  readonly chatId: string;
  readonly path: Path;
  /** Questions of this tab without an ack. */
  readonly own: readonly Outgoing[];
  /** Commands that asked for another version, without an ack. */
  readonly rewrites: Iterable<string>;
  /** What the dashboard says is being written, be it on a branch that is not shown. */
  readonly activeStreamId: string | undefined;
}

/** The answer that is shown growing, else the question that was asked last, else whatever runs; null: nothing does. */
export function stopTarget({ chatId, path, own, rewrites, activeStreamId }: UnderWay): StopTarget | null {
  const answer = path.findLast((step) => step.answer && !step.answer.isOver)?.answer;
  if (answer) return { key: answer.streamId, which: { streamId: answer.streamId } };
  const commandId = [...rewrites].at(-1) ?? own.findLast(({ state }) => state !== "refused")?.commandId;
  if (commandId !== undefined) return { key: commandId, which: { commandId } };
  return activeStreamId === undefined ? null : { key: activeStreamId, which: { chatId } };
}

/** The streams and commands that were told to stop, and have not ended yet. */
export class Stopping {
  readonly #keys = new Set<string>();

  has(key: string | undefined): boolean {
    return key !== undefined && this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.add(key);
  }

  delete(key: string): boolean {
    return this.#keys.delete(key);
  }

  /** The answer of a command that was told to stop has a name now. */
  named(commandId: string, streamId: string): void {
    if (this.#keys.delete(commandId)) this.#keys.add(streamId);
  }
}
