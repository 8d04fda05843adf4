/** The projects: folders of chats, each with instructions of its own. */

import type { DashboardChat, DashboardProject } from "@tidewire/client";
import { useEffect, useMemo, useState } from "react";
import { Icon } from "../shell/icon";
import { Menu } from "../shell/menu";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Rows } from "./block";
import { Found } from "./found";
import { Marks, marksWithin } from "./marks";
import type { ListProps } from "./list";
import { withFound } from "./listing";

interface ProjectsProps extends ListProps {
  readonly projects: readonly DashboardProject[];
  readonly chatsOf: (projectId: string) => readonly DashboardChat[];
}

export function Projects({ projects, chatsOf, ...list }: ProjectsProps) {
  const { dialogs } = useWorkspace();
  return (
    <section className="projects" aria-labelledby="projects-title" data-testid="projects">
      <div className="group-head">
        <h2 id="projects-title">Projects</h2>
        <button type="button" className="icon-button small" aria-label="New project" title="New project" onClick={() => dialogs.set("project:")}>
          <Icon name="new" />
        </button>
      </div>
      {projects.map((project) => (
        <Folder key={project.projectId} project={project} chats={chatsOf(project.projectId)} {...list} />
      ))}
    </section>
  );
}

interface FolderProps extends ListProps {
  readonly project: DashboardProject;
  readonly chats: readonly DashboardChat[];
}

function Folder({ project, chats, ...list }: FolderProps) {
  const { projectId, title } = project;
  const { filing } = useWorkspace();
  const { more } = useStore(filing);
  const holdsShown = chats.some(({ chatId }) => chatId === list.shownId);
  const [isOpen, open] = useState(holdsShown);
  const [anchor, openMenu] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (holdsShown) open(true);
  }, [holdsShown]);
  return (
    <div className="folder" data-project-id={projectId}>
      <div className="folder-head">
        <button type="button" className="folder-name" aria-expanded={isOpen} title={title} onClick={() => open(!isOpen)}>
          <Icon name="folder" />
          <span className="name">{title}</span>
          {!isOpen && <Marks marks={marksWithin(chats, list.shownId)} />}
        </button>
        <button type="button" className="more" aria-label={`More for project ${title}`} aria-haspopup="true" onClick={({ currentTarget }) => openMenu(currentTarget)}>
          <Icon name="more" />
        </button>
      </div>
      {anchor && <FolderMenu project={project} anchor={anchor} close={() => openMenu(null)} />}
      {isOpen && <FolderRows project={project} chats={chats} isPartial={more} {...list} />}
    </div>
  );
}

/** The chats of a project; those below the last page of the sidebar are asked for by themselves. */
function FolderRows({ project: { projectId, title }, chats, isPartial, ...list }: FolderProps & { readonly isPartial: boolean }) {
  const { client, filing } = useWorkspace();
  const found = useMemo(() => new Found(client), [client]);
  const { chats: others, more } = useStore(found);
  const { isLive } = useStore(client.connection);
  useEffect(() => {
    if (isPartial && isLive) void found.ask({ projectId });
  }, [found, projectId, isPartial, isLive]);
  const inside = filing.current(others ?? []).filter((chat) => chat.projectId === projectId && !chat.archived);
  const all = withFound(chats, inside);
  return (
    <div className="folder-rows">
      {all.length === 0 && <p className="nothing"><a href={`/?project=${projectId}`}>Start a chat in {title}</a></p>}
      <Rows chats={all} label={`Chats in ${title}`} {...list} />
      {more && isPartial && <button type="button" className="quiet" onClick={() => void found.more()}>Show more of {title}</button>}
    </div>
  );
}

function FolderMenu({ project: { projectId, title }, anchor, close }: { readonly project: DashboardProject; readonly anchor: HTMLElement; close(): void }) {
  const { filing, dialogs, places, drawer } = useWorkspace();
  const then = (act: () => void) => () => {
    close();
    act();
  };
  const begin = () => {
    places.go(`/?project=${projectId}`);
    drawer.close();
  };
  return (
    <Menu anchor={anchor} label={title} testId="project-menu" close={close}>
      <button type="button" onClick={then(begin)}>New chat in it</button>
      <button type="button" onClick={then(() => dialogs.set(`project:${projectId}`))}>Name and instructions</button>
      <button type="button" className="bad" title="Its chats stay" onClick={then(() => filing.delete("project", projectId, title))}>Delete project</button>
    </Menu>
  );
}
