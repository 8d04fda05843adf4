/** The selected path through a chat's versions, as far as it was read: pure rules on lists that are never changed. */

import type { Answer, Message, Versions } from "@tidewire/client";

/** One message of the path; `answer` while it is being written. */
export interface Step {
  readonly message: Message;
  readonly answer: Answer | null;
}

export type Path = readonly Step[];

export const stepOf = (path: Path, id: string): Step | undefined => path.find(({ message }) => message.id === id);

const indexOf = (path: Path, id: string): number => path.findIndex(({ message }) => message.id === id);

/**
 * The path with `step` below `parentId` and nothing else below that: what hung there before is another branch now.
 *
 * @param parentId null: the step is the first of its chat.
 * @returns null when the parent is not on the path; then only the server knows what is shown.
 */
export function placed(path: Path, step: Step, parentId: string | null): Path | null {
  const parent = parentId === null ? -1 : indexOf(path, parentId);
  if (parentId !== null && parent < 0) return null;
  return [...path.slice(0, parent + 1), step];
}

/** The path with `step` in place of the one with its id, or at its end. */
export function put(path: Path, step: Step): Path {
  const at = indexOf(path, step.message.id);
  return at < 0 ? [...path, step] : path.with(at, step);
}

/** The path above a message. */
export function above(path: Path, id: string): Path {
  const at = indexOf(path, id);
  return at < 0 ? path : path.slice(0, at);
}

/** A page of the history, newest: what is being written goes on, everything else is as the server has it. */
export function merged(path: Path, messages: readonly Message[]): Path {
  return messages.map((message) => {
    const known = stepOf(path, message.id);
    return known?.answer && !known.answer.isOver ? known : { message, answer: null };
  });
}

/** An earlier page, above what was read before. */
export const extended = (path: Path, earlier: readonly Message[]): Path => [
  ...earlier.filter(({ id }) => !stepOf(path, id)).map((message) => ({ message, answer: null })),
  ...path,
];

/**
 * A finished answer with what else was read of it: its stream names the versions there were when it began, and others
 * may have come since.
 */
export function withVersions(message: Message, known: Versions | undefined): Message {
  const own = message.metadata?.versions;
  if (!known || (own && own.ids.length >= known.ids.length)) return message;
  return { ...message, metadata: { ...message.metadata, versions: known } };
}
