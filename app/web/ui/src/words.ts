/** What the page says about connections, questions and answers: every status, in words for people. */

import type { ConnectionView, ErrorObject } from "@tidewire/client";
import type { MessageStatus, Origin } from "./chat/message";

/** What is known of an answer when its status is put into words. */
export interface AnswerFacts {
  /** The server's own words for it ("Looking into it"), if it gave any. */
  readonly label: string | null;
  /** Whether anything of it has come. */
  readonly hasParts: boolean;
  readonly hasText: boolean;
  readonly waitsForPerson: boolean;
  readonly origin: Origin;
  readonly error: ErrorObject | null;
  readonly finishReason: string | null;
  /** Whether the line stands, or has been down for too short a time to speak of it. */
  readonly isConnected: boolean;
}

const RUNNING: readonly MessageStatus[] = ["sending", "queued", "streaming", "stopping"];

export const isRunning = (status: MessageStatus): boolean => RUNNING.includes(status);

/** What stands below an answer; null when there is nothing to say. */
export function answerWords(status: MessageStatus, facts: AnswerFacts): string | null {
  if (!isRunning(status)) return endWords(status, facts);
  if (!facts.isConnected) return "Reconnecting…";
  if (status === "stopping") return "Stopping…";
  if (facts.waitsForPerson) return "Waiting for you…";
  if (facts.hasText && status === "streaming") return "Writing…"; // the words say more than a label
  if (facts.label) return ellipsis(facts.label);
  if (facts.origin === "before" && !facts.hasParts) return "Catching up…";
  if (facts.origin === "elsewhere") return "Answering on another device…";
  return status === "queued" ? "Waiting…" : "Thinking…";
}

function endWords(status: MessageStatus, { error, finishReason }: AnswerFacts): string | null {
  if (status === "stopped") return "Stopped";
  if (status === "failed") return `Couldn’t finish: ${error?.message ?? "something went wrong."}`;
  if (status === "interrupted") return `Interrupted${error ? `: ${error.message}` : ""}`;
  if (finishReason === "length") return "Cut off: the answer reached its longest length.";
  return finishReason === "content-filter" ? "The model declined to go on." : null;
}

/** What stands below a question that the server has not confirmed yet. */
export function questionWords(status: MessageStatus, error: ErrorObject | null, isConnected: boolean): string | null {
  if (status === "refused") return `Not sent: ${error?.message ?? "the server refused it."}`;
  if (status !== "sending") return null;
  return isConnected ? "Sending…" : "Will be sent when the connection is back.";
}

/** What is known when the connection is put into words. */
export interface ConnectionFacts extends Pick<ConnectionView, "state" | "isLive" | "error" | "userId"> {
  /** As the browser sees it. */
  readonly isOnline: boolean;
  /** Whether the line stands, or has been down for too short a time to speak of it. */
  readonly isConnected: boolean;
  /** Whether a question waits to be sent in the chat that is shown. */
  readonly isSending: boolean;
  /** Whether an answer is being written in it. */
  readonly isWriting: boolean;
}

/** What the banner says; null when there is nothing to say. */
export function bannerWords(facts: ConnectionFacts): string | null {
  if (facts.state === "stopped") return facts.error?.message ?? "The server closed the connection.";
  if (facts.isConnected) return null;
  if (!facts.isOnline) return facts.isSending ? "You’re offline: will send when you’re back" : "You’re offline";
  const words = facts.userId === null ? "Connecting…" : "Reconnecting…";
  return facts.isWriting ? `${words} your answer is still being written` : words;
}

/** How an answer ended, for people who listen instead of looking. */
export function endSaid(status: MessageStatus, facts: AnswerFacts): string {
  return answerWords(status, facts) ?? "The answer is finished.";
}

const ellipsis = (words: string): string => (/[.!?…]$/.test(words) ? words.replace(/\.{3}$/, "…") : `${words}…`);
