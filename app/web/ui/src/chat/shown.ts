/** Turns the path and the questions under way into what is drawn; what did not change stays the same object. */

import type { ErrorObject, Message, Outgoing } from "@tidewire/client";
import type { MessageStatus, ThreadMessage } from "./message";
import type { Path, Step } from "./path";

export class Shown {
  #last = new Map<string, ThreadMessage>();

  messages(
    path: Path,
    own: readonly Outgoing[],
    stopping: ReadonlySet<string>,
    rewriting: ReadonlyMap<string, ErrorObject | null>,
  ): readonly ThreadMessage[] {
    const stored = path.map((step) => storedMessage(step, stopping, rewriting));
    const sending = own.filter(({ message }) => !path.some((step) => step.message.id === message.id)).map(outgoing);
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

function storedMessage(
  { message, answer }: Step,
  stopping: ReadonlySet<string>,
  rewriting: ReadonlyMap<string, ErrorObject | null>,
): ThreadMessage {
  const { id } = message;
  const isUser = message.role === "user";
  const written = answer && (stopping.has(answer.streamId) && !answer.isOver ? "stopping" : answer.status);
  const status: MessageStatus = isUser ? "stored" : (written ?? message.metadata?.status ?? "completed");
  return {
    id,
    role: isUser ? "user" : "assistant",
    message,
    status,
    answer,
    commandId: null,
    error: rewriting.get(id) ?? null,
    isRewriting: rewriting.get(id) === null,
  };
}

function outgoing({ commandId, message, state, error }: Outgoing): ThreadMessage {
  const question = message as unknown as Message; // its parts are the wire's
  const status = state === "refused" ? "refused" : "sending";
  return { id: message.id, role: "user", message: question, status, answer: null, commandId, error, isRewriting: false };
}
