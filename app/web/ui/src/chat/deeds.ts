/** What can be done with the messages of a chat, as plain rules. */

import { textOf } from "@tidewire/client";
import type { ThreadMessage } from "./message";

/** `continue` asks for the rest, `retry` and `regenerate` for another version. */
export type Deed = "edit" | "copy" | "continue" | "retry" | "regenerate";

/** What is known of the chat around a message. */
export interface Around {
  readonly isBusy: boolean;
  readonly isLast: boolean;
  /** Whether questions wait for their turn: then going on is the queue's affair. */
  readonly hasQueue: boolean;
}

/** What can be done with a message, in the order in which it is offered: what goes on first. */
export function deedsOf({ role, status, answer, message, isRewriting }: ThreadMessage, around: Around): readonly Deed[] {
  if (role === "user") return status === "stored" && !around.isBusy ? ["edit"] : [];
  if (answer) return [];
  const copy: Deed[] = textOf(message) ? ["copy"] : [];
  if (!around.isLast || around.isBusy || isRewriting) return copy;
  if (status !== "stopped" && status !== "completed") return ["retry", ...copy];
  const isCut = status === "stopped" || message.metadata?.finishReason === "length";
  return isCut && copy.length > 0 && !around.hasQueue ? ["continue", ...copy, "regenerate"] : [...copy, "regenerate"];
}

/** Only a completed answer is regenerated on the wire; every other one is retried. */
export const verbOf = ({ status }: ThreadMessage): "retry" | "regenerate" =>
  status === "completed" ? "regenerate" : "retry";

/** What is asked to have a stopped answer go on. */
export const GO_ON = "Go on where you stopped.";
