/** What a chat wants to know of an answer while it is written; its words are the message's own affair. */

import type { Answer, Finished, JsonObject } from "@tidewire/client";

export interface Follower {
  /** It stands differently: thought about, written, stopping. */
  changed(): void;
  /** Its first chunk says which question it answers: what hung there before is another branch now. */
  rooted(parentId: string): void;
  finished(end: Finished): void;
  /** It cannot be followed any further; its message is in the history, if anywhere. */
  lost(): void;
}

export function follow(answer: Answer, follower: Follower): void {
  let status = answer.status;
  const leave = answer.subscribe(() => {
    if (status === answer.status) return;
    status = answer.status;
    if (!answer.isOver) follower.changed();
  });
  root(answer, follower);
  void answer.finished().then(
    (end) => follower.finished(end),
    () => follower.lost(),
  ).finally(leave);
}

function root(answer: Answer, follower: Follower): void {
  let isRooted = false;
  let leave = () => {};
  leave = answer.read({
    chunks: ([first]) => {
      if (isRooted || !first) return;
      isRooted = true;
      leave();
      const { parentId } = ((first as JsonObject).messageMetadata ?? {}) as { parentId?: string };
      if (parentId !== undefined) follower.rooted(parentId);
    },
    end: () => {},
  });
  if (isRooted) leave();
}
