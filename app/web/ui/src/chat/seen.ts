/** Tells the server what was seen here, which is then no longer new on any device (guarantee 26). */

import { useEffect, useRef } from "react";
import { visibility } from "../shell/page";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { isWhole } from "./message";
import type { ThreadView } from "./view";

/** The newest answer that stands here whole, when the chat is loaded. */
export const newestWhole = ({ state, messages }: ThreadView): string | null =>
  (state === "loaded" && messages.findLast(isWhole)?.id) || null;

/** @param view what is drawn of the chat: an effect runs after it was. */
export function useSeen(chatId: string, view: ThreadView): void {
  const { client } = useWorkspace();
  useStore(client.dashboard);
  const isVisible = useStore(visibility);
  const chat = client.dashboardChat(chatId);
  const newest = newestWhole(view);
  const saw = useRef("");
  useEffect(() => {
    if (!chat?.unseen || !isVisible || newest === null) return;
    const now = `${newest} ${chat.version}`;
    if (now === saw.current) return; // what was named is older than what is new: that is on its way here
    saw.current = now;
    void client.seen(chatId, newest).catch(() => {}); // it stays unseen, and is tried again at the next change
  }, [client, chatId, chat, isVisible, newest]);
}
