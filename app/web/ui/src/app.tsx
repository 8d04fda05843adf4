/** The page's two columns: the chats, and the one that is shown. */

import { useEffect } from "react";
import { AccountButton, AccountDialog } from "./account/account";
import { Announcer } from "./shell/announcer";
import { Banner } from "./shell/banner";
import { broken, Guard } from "./shell/guard";
import { HelpDialog } from "./shell/help";
import { HelpButton } from "./shell/help-button";
import { Icon } from "./shell/icon";
import { useShortcuts } from "./shell/keyboard";
import { useLinks } from "./shell/links";
import { NotifyButton } from "./shell/notify";
import { ThemeButton } from "./shell/theme-button";
import { ToastList } from "./shell/toast";
import { useDrawer } from "./shell/use-drawer";
import { ProjectChip } from "./sidebar/project-chip";
import { ProjectDialog } from "./sidebar/project-dialog";
import { Sidebar } from "./sidebar/sidebar";
import { useStore } from "./store";
import { ThreadPane } from "./thread/pane";
import { useWorkspace } from "./workspace";

export function App() {
  const { client, places, drawer } = useWorkspace();
  const place = useStore(places);
  const { isOpen, isHidden } = useDrawer();
  useEffect(() => client.show(place.chatId), [client, place.chatId]);
  useShortcuts();
  useLinks();
  return (
    <div className={`app${isOpen ? " drawer" : ""}${isHidden ? " wide" : ""}`}>
      <Guard of={null} instead={broken("Your chats could not be shown.")}>
        <Sidebar footer={<><AccountButton /><ThemeButton /><HelpButton /></>} />
      </Guard>
      <div className="backdrop" hidden={!isOpen} onClick={() => drawer.close()} />
      <main className="main" inert={isOpen}>
        <header className="top">
          <button
            type="button"
            className="icon-button menu"
            aria-controls="sidebar"
            aria-expanded={isOpen}
            aria-label="Chats"
            onClick={() => drawer.show(true)}
          >
            <Icon name="menu" />
          </button>
          <Title />
          <ProjectChip />
          <NotifyButton />
        </header>
        <Banner />
        <Guard of={place.chatId} instead={broken("This chat could not be shown.")}>
          <ThreadPane key={place.chatId} place={place} />
        </Guard>
      </main>
      <AccountDialog />
      <ProjectDialog />
      <HelpDialog />
      <ToastList />
      <Announcer />
    </div>
  );
}

function Title() {
  const { filing, places } = useWorkspace();
  useStore(filing);
  const { chatId } = useStore(places);
  return <h1 className="title" id="title">{filing.chat(chatId)?.title || "New chat"}</h1>;
}
