/** What is going on in a chat: a sign for eyes and words for ears, each told from the others when they stand together. */

import type { DashboardChat } from "@tidewire/client";

export type Mark = "spinner" | "asking" | "failed" | "dot" | "pinned";

const WORDS: Readonly<Record<Mark, string>> = {
  spinner: "Answering",
  asking: "Waits for you",
  failed: "Couldn’t finish",
  dot: "New answer",
  pinned: "Pinned",
};
const SIGNS: Partial<Record<Mark, string>> = { asking: "?", failed: "!" };
const BROKEN: readonly (string | undefined)[] = ["failed", "interrupted"]; // a stop is no fault

/** @param isShown whether the chat is looked at: what is new in it is about to be seen. */
export function marksOf(chat: DashboardChat, isShown: boolean): readonly Mark[] {
  const isRunning = chat.activeStreamId !== undefined;
  const marks: Readonly<Record<Mark, boolean>> = {
    spinner: isRunning && !chat.awaitingApproval,
    asking: chat.awaitingApproval === true,
    failed: !isRunning && BROKEN.includes(chat.lastStatus),
    dot: chat.unseen && !isShown,
    pinned: chat.pinned,
  };
  return (Object.keys(marks) as Mark[]).filter((mark) => marks[mark]);
}

/** What is to be told of a folder that is shut. */
export function marksWithin(chats: readonly DashboardChat[], shownId: string): readonly Mark[] {
  const within = new Set(chats.flatMap((chat) => marksOf(chat, chat.chatId === shownId)));
  return (["spinner", "asking", "failed", "dot"] as const).filter((mark) => within.has(mark));
}

export function Marks({ marks }: { readonly marks: readonly Mark[] }) {
  return marks.map((mark) => (
    <span key={mark} className={mark} title={WORDS[mark]}>
      {SIGNS[mark] && <span aria-hidden="true">{SIGNS[mark]}</span>}
      <span className="spoken">{WORDS[mark]}</span>
    </span>
  ));
}
