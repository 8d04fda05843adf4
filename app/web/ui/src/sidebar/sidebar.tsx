/** The list of chats. */

import type { ReactNode } from "react";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";

export function Sidebar({ footer }: { readonly footer: ReactNode }) {
  const { client, places } = useWorkspace();
  const { chats } = useStore(client.dashboard);
  const { chatId } = useStore(places);
  return (
    <nav id="sidebar" className="sidebar" aria-label="Chats" data-testid="sidebar">
      <ul className="chats" data-testid="chats">
        {chats.map((chat) => (
          <li key={chat.chatId}>
            <a href={`/c/${chat.chatId}`} aria-current={chat.chatId === chatId ? "page" : undefined}>{chat.title}</a>
          </li>
        ))}
      </ul>
      {footer}
    </nav>
  );
}
