/** The page's one composition root: the client and everything that lives as long as the tab. */

import type { Client, Store } from "@tidewire/client";
import { createClient } from "@tidewire/client/browser";
import { createContext, useContext } from "react";
import { Session } from "./account/session";
import { Drafts } from "./chat/drafts";
import { Threads } from "./chat/threads";
import { Uploads } from "./files/uploads";
import { frameMeter, Pace } from "./pace";
import { Places } from "./places";
import { Drawer } from "./shell/drawer";
import { Patience } from "./shell/patience";
import { Themes } from "./shell/theme";
import { Toasts } from "./shell/toasts";
import { Filing } from "./sidebar/filing";
import { Value } from "./store";
import { CHAT_STREAM_UI_PACE } from "./timing";

/** A dialog by name; that of a project by its id, which is empty for one to be made. */
export type DialogName = "account" | "help" | `project:${string}`;

export interface Workspace {
  readonly client: Client;
  readonly threads: Threads;
  readonly drafts: Drafts;
  /** The files of drafts, on their way to the server. */
  readonly uploads: Uploads;
  /** The chats and projects as the sidebar shows them. */
  readonly filing: Filing;
  /** Who one is. */
  readonly session: Session;
  readonly themes: Themes;
  readonly drawer: Drawer;
  readonly toasts: Toasts;
  /** The dialog that is open. */
  readonly dialogs: Value<DialogName | null>;
  /** Which chat is shown. */
  readonly places: Places;
  /** What the server allows, from its greeting; empty before. */
  readonly limits: Value<Readonly<Record<string, number>>>;
  /** Whether the line stands, or has been down for too short a time to speak of it. */
  readonly connected: Store<boolean>;
  /** How often answers that grow are drawn. */
  readonly pace: Pace;
  /** The last thing said to people who listen instead of looking; never a token. */
  readonly said: Value<string>;
}

export function createWorkspace(): Workspace {
  const limits = new Value<Readonly<Record<string, number>>>({});
  const session = new Session();
  const client = createClient({
    token: session.token,
    info: { name: "tidewire-page", version: "2", platform: "web" },
    capabilities: ["status", "tools"],
    observer: (notice) => {
      if (notice.type === "connected") {
        limits.set(notice.welcome.limits);
        session.greeted(notice.welcome.userId);
      }
      if (notice.type === "stopped") session.stopped(notice.code);
      if (notice.type === "refreshed") queueMicrotask(() => threads.missed(places.getSnapshot().chatId));
    },
  });
  const threads = new Threads(client);
  const places = new Places(() => client.newId());
  const connected = new Patience(client.connection);
  const drafts = new Drafts();
  session.follow(client);
  const toasts = new Toasts();
  return {
    client,
    session,
    threads,
    drafts,
    uploads: new Uploads(drafts, limits, client),
    places,
    limits,
    connected,
    toasts,
    filing: new Filing(client, toasts),
    themes: new Themes(),
    drawer: new Drawer(),
    dialogs: new Value<DialogName | null>(null),
    said: new Value(""),
    pace: new Pace(CHAT_STREAM_UI_PACE, frameMeter()),
  };
}

export const WorkspaceContext = createContext<Workspace | null>(null);

/** Everything of the tab, for any component. */
export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("A component of the page stands outside of the workspace.");
  return workspace;
}
