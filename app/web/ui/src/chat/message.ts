/** A message as the thread shows it: stored, on its way, or being written. */

import { type Answer, type ErrorObject, type Message, type MessageMetadata, type StreamStatus, textOf } from "@tidewire/client";

/** `stored`, `sending` and `refused` are those of questions; the others are those of the stream that writes an answer. */
export type MessageStatus = StreamStatus | "stored" | "sending" | "refused";

/** Who asked for an answer: this tab, another one, or somebody before the page was loaded. */
export type Origin = "here" | "elsewhere" | "before";

/** A value that is replaced, never changed: the same object means that nothing has to be drawn again. */
export interface ThreadMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  /** Everything but a growing answer, whose words are in `answer`. */
  readonly message: Message;
  readonly status: MessageStatus;
  /** The answer while it is written: a store of its own, so that its words draw nothing but themselves. */
  readonly answer: Answer | null;
  readonly origin: Origin;
  /** The command of a question on its way. */
  readonly commandId: string | null;
  /** Whether a question on its way has not left this tab. */
  readonly isWaiting: boolean;
  /** Why a question was refused, or another version of an answer. */
  readonly error: ErrorObject | null;
  /** While another version of it is being asked for. */
  readonly isRewriting: boolean;
}

export const metadataOf = ({ message }: ThreadMessage): MessageMetadata => message.metadata ?? {};

/** The exact words of a message as far as they have come, whatever was drawn of them. */
export const sourceText = ({ message, answer }: ThreadMessage): string => textOf(answer?.view.message ?? message);

/** Whether an answer stands here whole, however it ended. */
export const isWhole = ({ role, answer }: ThreadMessage): boolean => role === "assistant" && answer === null;
