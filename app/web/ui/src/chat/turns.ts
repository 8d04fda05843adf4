/** The messages of a chat as turns: a question and what answers it. */

import type { ThreadMessage } from "./message";

export interface Turn {
  /** Of its first message. */
  readonly id: string;
  readonly messages: readonly ThreadMessage[];
}

export function turnsOf(messages: readonly ThreadMessage[]): readonly Turn[] {
  const turns: { id: string; messages: ThreadMessage[] }[] = [];
  for (const message of messages) {
    const turn = turns.at(-1);
    if (turn && message.role !== "user") turn.messages.push(message);
    else turns.push({ id: message.id, messages: [message] });
  }
  return turns;
}
