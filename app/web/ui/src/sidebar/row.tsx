/** One chat in the list. */

import type { DashboardChat } from "@tidewire/client";
import { memo, useRef } from "react";
import { Icon } from "../shell/icon";
import { Marks, marksOf } from "./marks";
import { Rename } from "./rename";
import { useTyped } from "./typing";

export interface RowDeeds {
  /** Show what can be done with a chat. */
  open(chat: DashboardChat, anchor: HTMLElement): void;
  /** @param title null: as it was. */
  renamed(chat: DashboardChat, title: string | null): void;
}

interface RowProps {
  readonly chat: DashboardChat;
  readonly isShown: boolean;
  readonly isRenamed: boolean;
  readonly deeds: RowDeeds;
}

export const Row = memo(function Row({ chat, isShown, isRenamed, deeds }: RowProps) {
  const title = chat.title || "New chat";
  const typed = useTyped(title, isRenamed);
  const more = useRef<HTMLButtonElement>(null);
  if (isRenamed) {
    const done = (words: string | null) => {
      deeds.renamed(chat, words);
      requestAnimationFrame(() => more.current?.parentElement?.querySelector("a")?.focus());
    };
    return <li data-chat-id={chat.chatId}><Rename title={title} done={done} /></li>;
  }
  return (
    <li data-chat-id={chat.chatId}>
      <a href={`/c/${chat.chatId}`} title={title} aria-current={isShown ? "page" : undefined}>
        <span className="name">{typed}</span>
        {chat.archived && <span className="tag">Archived</span>}
        <Marks marks={marksOf(chat, isShown)} />
      </a>
      <button
        ref={more}
        type="button"
        className="more"
        aria-label={`More for ${title}`}
        aria-haspopup="true"
        onClick={({ currentTarget }) => deeds.open(chat, currentTarget)}
      >
        <Icon name="more" />
      </button>
    </li>
  );
});
