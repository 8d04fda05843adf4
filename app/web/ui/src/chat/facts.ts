/** What a message's status is put into words by. */

import type { Part } from "@tidewire/client";
import { waitsForPerson } from "../parts/waiting";
import { type AnswerFacts, answerWords, questionWords } from "../words";
import { metadataOf, type ThreadMessage } from "./message";

export function factsOf(shown: ThreadMessage, isConnected: boolean): AnswerFacts {
  const { error = null, finishReason = null } = metadataOf(shown);
  const growing = shown.answer?.view;
  const { parts } = growing?.message ?? shown.message;
  return {
    label: growing?.label ?? null,
    hasParts: parts.length > 0,
    hasText: parts.some(isWritten),
    waitsForPerson: parts.some(waitsForPerson),
    origin: shown.origin,
    error,
    finishReason,
    isConnected,
  };
}

/** What stands below a message; null when there is nothing to say. */
export const wordsOf = (shown: ThreadMessage, isConnected: boolean): string | null =>
  shown.role === "user"
    ? questionWords(shown.status, shown.error, isConnected)
    : answerWords(shown.status, factsOf(shown, isConnected));

const isWritten = (part: Part): boolean => part.type === "text" && part.text !== "";
