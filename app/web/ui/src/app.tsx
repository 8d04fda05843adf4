/** The page's two columns: the chats, and the one that is shown. */

import { useEffect, useState } from "react";
import { AccountButton } from "./account/account";
import { Banner } from "./shell/banner";
import { Announcer } from "./shell/announcer";
import { Icon } from "./shell/icon";
import { NotifyButton } from "./shell/notify";
import { Sidebar } from "./sidebar/sidebar";
import { useStore } from "./store";
import { ThreadPane } from "./thread/pane";
import { useWorkspace } from "./workspace";

export function App() {
  const { client, places } = useWorkspace();
  const place = useStore(places);
  const { chats } = useStore(client.dashboard);
  const [isDrawerOpen, openDrawer] = useState(false);
  useEffect(() => openDrawer(false), [place.chatId]);
  useEffect(() => client.show(place.chatId), [client, place.chatId]);
  const title = chats.find(({ chatId }) => chatId === place.chatId)?.title || "New chat";
  return (
    <div className={isDrawerOpen ? "app drawer" : "app"}>
      <Sidebar footer={<AccountButton />} />
      <div className="backdrop" hidden={!isDrawerOpen} onClick={() => openDrawer(false)} />
      <main className="main">
        <header className="top">
          <button
            type="button"
            className="icon-button menu"
            aria-controls="sidebar"
            aria-expanded={isDrawerOpen}
            aria-label="Chats"
            onClick={() => openDrawer(!isDrawerOpen)}
          >
            <Icon name="menu" />
          </button>
          <h1 className="title" id="title">{title}</h1>
          <NotifyButton />
        </header>
        <Banner />
        <ThreadPane key={place.chatId} place={place} />
      </main>
      <Announcer />
    </div>
  );
}
