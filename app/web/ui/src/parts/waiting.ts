/** Which parts of an answer wait for a person. */

import type { Part } from "@tidewire/client";

/** Whether a call of an answer that is being written waits for the person. */
export function waitsForPerson(part: Part): boolean {
  if (!("toolCallId" in part)) return false;
  if (part.state === "approval-requested") return true;
  const isQuestion = part.type === "tool-ask_person" && part.state === "input-available";
  return isQuestion && Array.isArray((part.input as { choices?: unknown } | null)?.choices); // what a model writes may be anything
}
