/** Turns the path and the questions under way into what is drawn; what did not change stays the same object. */

import type { Message, Outgoing } from "@tidewire/client";
import type { MessageStatus, Origin, ThreadMessage } from "./message";
import type { Path, Step } from "./path";
import type { Rewriting } from "./rewriting";
import type { Stopping } from "./stopping";

/** What is known of the path beside its messages. */
export interface Circumstances {
  readonly stopping: Stopping;
  readonly rewriting: Rewriting;
  /** By stream; those that are not in it were asked for here. */
  readonly origins: ReadonlyMap<string, Origin>;
}

export class Shown {
  #last = new Map<string, ThreadMessage>();

  messages(path: Path, own: readonly Outgoing[], circumstances: Circumstances): readonly ThreadMessage[] {
    const onPath = new Set(path.map(({ message }) => message.id));
    const stored = path.map((step) => storedMessage(step, circumstances));
    const sending = own.filter(({ message }) => !onPath.has(message.id)).map(outgoing);
    const messages = [...stored, ...sending].map((message) => this.#same(message));
    this.#last = new Map(messages.map((message) => [message.id, message]));
    return messages;
  }

  #same(next: ThreadMessage): ThreadMessage {
    const last = this.#last.get(next.id);
    const keys = Object.keys(next) as (keyof ThreadMessage)[];
    return last && keys.every((key) => last[key] === next[key]) ? last : next;
  }
}

function storedMessage(step: Step, { stopping, rewriting, origins }: Circumstances): ThreadMessage {
  const { message, answer } = step;
  const { id } = message;
  return {
    id,
    role: message.role === "user" ? "user" : "assistant",
    message,
    status: statusOf(step, stopping),
    answer,
    origin: (answer && origins.get(answer.streamId)) ?? "here",
    commandId: null,
    isWaiting: false,
    error: rewriting.error(id),
    isRewriting: rewriting.isUnderWay(id),
  };
}

function statusOf({ message, answer }: Step, stopping: Stopping): MessageStatus {
  if (message.role === "user") return "stored";
  if (answer && !answer.isOver && stopping.has(answer.streamId)) return "stopping";
  return answer?.status ?? message.metadata?.status ?? "completed";
}

function outgoing({ commandId, message, state, error }: Outgoing): ThreadMessage {
  return {
    id: message.id,
    role: "user",
    message: message as unknown as Message, // its parts are the wire's
    status: state === "refused" ? "refused" : "sending",
    answer: null,
    origin: "here",
    commandId,
    isWaiting: state === "waiting",
    error,
    isRewriting: false,
  };
}
