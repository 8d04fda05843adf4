/** The questions that wait for their turn: those the server has, and those on their way there. */

import type { Client, DashboardChat, Outgoing, QueuedQuestion } from "@tidewire/client";
import { textOf, type Message } from "@tidewire/client";
import type { ThreadMessage } from "./message";

export interface Waiting {
  readonly commandId: string;
  readonly text: string;
  /** Not confirmed by the server yet: nothing can be done with it but to wait, or to take it back. */
  readonly isSending: boolean;
}

/** What waits in a chat; what the thread shows already is not shown twice. */
export function waitingIn(
  chat: DashboardChat | undefined,
  ahead: readonly Outgoing[],
  shown: readonly ThreadMessage[],
): readonly Waiting[] {
  const onPath = new Set(shown.map(({ id }) => id));
  const queue = (chat?.queue ?? []).filter(({ messageId }) => !onPath.has(messageId));
  const known = new Set(queue.map(({ messageId }) => messageId));
  return [...queue.map(stored), ...ahead.filter(({ message }) => !known.has(message.id) && !onPath.has(message.id)).map(sending)];
}

const stored = ({ commandId, text }: QueuedQuestion): Waiting => ({ commandId, text, isSending: false });

const sending = ({ commandId, message }: Outgoing): Waiting => {
  const text = textOf(message as unknown as Message) || "Attached files";
  return { commandId, text, isSending: true };
};

/** The order of the queue with one question a place earlier (-1) or later (1). */
export function moved(queue: readonly Waiting[], commandId: string, by: -1 | 1): readonly string[] {
  const order = queue.filter(({ isSending }) => !isSending).map((each) => each.commandId);
  const at = order.indexOf(commandId);
  const other = order[at + by];
  if (at < 0 || other === undefined) return order;
  return order.with(at, other).with(at + by, commandId);
}

/** Ask one that waits at once, whatever is being answered. */
export async function askNow(client: Client, chatId: string, commandId: string): Promise<void> {
  const streamId = client.dashboardChat(chatId)?.activeStreamId;
  if (streamId !== undefined) await client.stop({ streamId });
  await client.updateQueue(chatId, { order: [commandId], paused: false });
}
