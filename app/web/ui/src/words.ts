/** What the page says about connections, questions and answers: every status, in words for people. */

import type { ErrorObject } from "@tidewire/client";
import type { MessageStatus } from "./chat/message";

/** What is known of an answer when its status is put into words. */
export interface AnswerFacts {
  /** The server's own words for it ("Looking into it"), if it gave any. */
  readonly label: string | null;
  readonly hasText: boolean;
  readonly waitsForPerson: boolean;
  readonly error: ErrorObject | null;
  readonly finishReason: string | null;
  /** Whether the line stands, or has been down for too short a time to speak of it. */
  readonly isConnected: boolean;
}

const RUNNING: readonly MessageStatus[] = ["sending", "queued", "streaming", "stopping"];

export const isRunning = (status: MessageStatus): boolean => RUNNING.includes(status);

/** What stands below an answer; null when there is nothing to say. */
export function answerWords(status: MessageStatus, facts: AnswerFacts): string | null {
  if (isRunning(status) && !facts.isConnected) return "Reconnecting…";
  if (status === "stopping") return "Stopping…";
  if (isRunning(status) && facts.waitsForPerson) return "Waiting for you…";
  if (isRunning(status) && facts.label) return ellipsis(facts.label);
  if (status === "queued") return "Waiting…";
  if (status === "streaming") return facts.hasText ? "Writing…" : "Thinking…";
  return endWords(status, facts);
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
  return status === "sending" && !isConnected ? "Will be sent when the connection is back." : null;
}

const ellipsis = (words: string): string => (/[.!?…]$/.test(words) ? words.replace(/\.{3}$/, "…") : `${words}…`);
