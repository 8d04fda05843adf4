/** The sidebar: a new chat, the search, the projects and every chat. */

import type { DashboardChat } from "@tidewire/client";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { Icon } from "../shell/icon";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { ChatMenu } from "./chat-menu";
import { Found } from "./found";
import { Archive, End, FoundList, Groups } from "./list";
import { listingOf } from "./listing";
import { Projects } from "./projects";
import type { RowDeeds } from "./row";
import { Search } from "./search";
import { walk } from "./walking";

const NONE: readonly DashboardChat[] = [];

/** What is open beside a row. */
interface Open {
  readonly chat: DashboardChat;
  readonly anchor: HTMLElement;
}

export function Sidebar({ footer }: { readonly footer: ReactNode }) {
  const { client, filing, places, drawer } = useWorkspace();
  const { chats, projects, more } = useStore(filing);
  const { chatId: shownId } = useStore(places);
  const { isHidden } = useStore(drawer);
  const [words, write] = useState("");
  const [isArchive, turn] = useState(false);
  const [menu, open] = useState<Open | null>(null);
  const [renamedId, rename] = useState<string | null>(null);
  const found = useMemo(() => new Found(client), [client]);
  const listing = useMemo(() => listingOf(chats, projects), [chats, projects]);
  const deeds = useMemo<RowDeeds>(() => ({
    open: (chat, anchor) => open({ chat, anchor }),
    renamed: ({ chatId }, title) => {
      rename(null);
      if (title !== null) filing.change(chatId, { title });
    },
  }), [filing]);
  const read = useCallback(() => filing.more(), [filing]);
  const list = { shownId, renamedId, deeds };
  const isSearch = useStore(found).chats !== null && words.trim() !== "";
  return (
    <nav id="sidebar" className="sidebar" aria-label="Chats" data-testid="sidebar" hidden={isHidden} onKeyDown={walk}>
      <div className="side-top">
        <a className="brand" href="/"><img src="/favicon.svg" alt="" width="24" height="24" />Tidewire</a>
        <button type="button" className="icon-button put-away" aria-label="Hide the chats" title="Hide the chats" onClick={() => drawer.show(false)}>
          <Icon name="left" />
        </button>
      </div>
      <a className="new" href="/" data-testid="new-chat"><Icon name="new" />New chat</a>
      <Search words={words} found={found} write={write} />
      <div className="lists">
        {!isSearch && !isArchive && (
          <Projects projects={projects} chatsOf={(projectId) => listing.ofProject.get(projectId) ?? NONE} {...list} />
        )}
        <div id="chats" className="chats" data-testid="chats">
          {isSearch ? <FoundList found={found} {...list} />
            : isArchive ? <Archive chats={listing.archived} known={chats.length} more={more} read={read} {...list} />
            : <Groups chats={listing.loose} {...list} />}
        </div>
        {more && !isSearch && !isArchive && <End count={chats.length} more={read} />}
      </div>
      <button type="button" className="archive" aria-pressed={isArchive} onClick={() => turn(!isArchive)}>
        <Icon name={isArchive ? "left" : "archive"} />{isArchive ? "All chats" : "Archived"}
      </button>
      <div className="side-foot">{footer}</div>
      {menu && (
        <ChatMenu
          key={menu.chat.chatId}
          chat={filing.chat(menu.chat.chatId) ?? menu.chat}
          anchor={menu.anchor}
          rename={() => rename(menu.chat.chatId)}
          close={() => open(null)}
        />
      )}
    </nav>
  );
}
