/** The document's title: how much is new elsewhere, and what is shown. */

import type { DashboardChat } from "@tidewire/client";
import { useEffect } from "react";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { visibility } from "./page";

/** How many chats have an answer that nobody saw; the one that is looked at right now is about to be seen. */
export const unseen = (chats: readonly DashboardChat[], lookedAt: string | null): number =>
  chats.filter((chat) => chat.unseen && !chat.archived && chat.chatId !== lookedAt).length;

/** @param name of the shown chat; null before its first question. */
export const titleWords = (count: number, name: string | null): string =>
  `${count > 0 ? `(${count}) ` : ""}${name === null ? "" : `${name} · `}Tidewire`;

export function useTitle(): void {
  const { filing, places, threads } = useWorkspace();
  const { chats } = useStore(filing);
  const { chatId } = useStore(places);
  const isVisible = useStore(visibility);
  const { messages } = useStore(threads.get(chatId));
  const name = messages.length > 0 ? filing.chat(chatId)?.title || "New chat" : null;
  const title = titleWords(unseen(chats, isVisible ? chatId : null), name);
  useEffect(() => {
    document.title = title;
  }, [title]);
}
