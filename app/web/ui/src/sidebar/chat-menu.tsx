/** What can be done with a chat: rename, pin, move, archive, delete. */

import type { DashboardChat } from "@tidewire/client";
import { useState } from "react";
import { Menu } from "../shell/menu";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { keepPlace } from "./walking";

interface ChatMenuProps {
  readonly chat: DashboardChat;
  readonly anchor: HTMLElement;
  rename(): void;
  close(): void;
}

export function ChatMenu({ chat, anchor, rename, close }: ChatMenuProps) {
  const { filing } = useWorkspace();
  const [page, turn] = useState<"deeds" | "move">("deeds");
  const remove = useDelete(chat);
  const then = (act: () => void) => () => {
    close();
    keepPlace(chat.chatId, act);
  };
  return (
    <Menu anchor={anchor} label={chat.title || "New chat"} testId="chat-menu" page={page} close={close}>
      {page === "deeds" ? (
        <>
          <button type="button" onClick={then(rename)}>Rename</button>
          <button type="button" onClick={then(() => filing.change(chat.chatId, { pinned: !chat.pinned }))}>{chat.pinned ? "Unpin" : "Pin"}</button>
          <button type="button" onClick={() => turn("move")}>Move to project…</button>
          <button type="button" onClick={then(() => filing.archive(chat))}>{chat.archived ? "Unarchive" : "Archive"}</button>
          <button type="button" className="bad" onClick={then(remove)}>Delete</button>
        </>
      ) : (
        <Move chat={chat} then={then} />
      )}
    </Menu>
  );
}

function Move({ chat, then }: { readonly chat: DashboardChat; then(act: () => void): () => void }) {
  const { filing, dialogs } = useWorkspace();
  const { projects } = useStore(filing);
  const to = (projectId: string) => then(() => filing.change(chat.chatId, { projectId }));
  return (
    <>
      {projects.filter(({ projectId }) => projectId !== chat.projectId).map(({ projectId, title }) => (
        <button key={projectId} type="button" onClick={to(projectId)}>{title}</button>
      ))}
      {chat.projectId && <button type="button" onClick={to("")}>No project</button>}
      <button type="button" className="apart" onClick={then(() => dialogs.set(`project:move:${chat.chatId}`))}>New project…</button>
    </>
  );
}

/** Delete a chat, and come back to it when that is taken back. */
function useDelete({ chatId, title }: DashboardChat): () => void {
  const { filing, places } = useWorkspace();
  return () => {
    const wasShown = places.getSnapshot().chatId === chatId;
    if (wasShown) places.go("/");
    filing.delete("chat", chatId, title || "New chat", () => wasShown && places.getSnapshot().isNew && places.go(`/c/${chatId}`));
  };
}
