/** Makes a project, or changes its name and what is to be kept in mind in all of its chats. */

import type { DashboardProject } from "@tidewire/client";
import { type FormEvent, useId, useState } from "react";
import { Dialog } from "../shell/dialog";
import { useStore } from "../store";
import { draftKeyOf } from "../thread/composer";
import { useWorkspace } from "../workspace";

const NAME = /^project:(?:move:(?<chatId>.+)|(?<projectId>.*))$/;

export function ProjectDialog() {
  const { filing, dialogs } = useWorkspace();
  const { projects } = useStore(filing);
  const wanted = NAME.exec(useStore(dialogs) ?? "")?.groups;
  if (!wanted) return null;
  const project = projects.find(({ projectId }) => projectId === wanted.projectId);
  return <Project key={wanted.projectId} project={project} movedChatId={wanted.chatId} close={() => dialogs.set(null)} />;
}

interface ProjectProps {
  /** Undefined: one is to be made. */
  readonly project: DashboardProject | undefined;
  /** The chat that is to be in it at once. */
  readonly movedChatId: string | undefined;
  close(): void;
}

function Project({ project, movedChatId, close }: ProjectProps) {
  const { client, connected, filing, places, drafts } = useWorkspace();
  const isConnected = useStore(connected);
  const id = useId();
  const [problem, say] = useState("");
  const [isBusy, be] = useState(false);
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const title = String(given.get("title")).trim();
    const instructions = String(given.get("instructions")).trim();
    if (!title) return say("Please give it a name.");
    if (project) {
      filing.changeProject(project.projectId, { title, instructions });
      return close();
    }
    be(true);
    try {
      const projectId = await client.createProject(title, instructions || undefined);
      const place = places.getSnapshot();
      if (movedChatId) filing.change(movedChatId, { projectId });
      else if (place.isNew && !drafts.get(draftKeyOf(place)).text) places.go(`/?project=${projectId}`);
      close();
    } catch (failure) {
      say((failure as Error).message);
      be(false);
    }
  };
  return (
    <Dialog title={project ? "Project" : "New project"} testId="project" close={close}>
      <form className="form" noValidate onSubmit={(event) => void save(event)}>
        <label htmlFor={`${id}-title`}>
          Name
          <input id={`${id}-title`} name="title" maxLength={200} defaultValue={project?.title ?? ""} autoComplete="off" aria-describedby={`${id}-problem`} />
        </label>
        <label htmlFor={`${id}-instructions`}>
          Instructions
          <textarea
            id={`${id}-instructions`}
            name="instructions"
            rows={6}
            defaultValue={project?.instructions ?? ""}
            placeholder="What to keep in mind in every chat of this project, such as “Answer in French, and briefly”."
          />
        </label>
        <p id={`${id}-problem`} className="bad" role="alert">{problem}</p>
        {isBusy && !isConnected && <p className="later" role="status">It will be made when the connection is back.</p>}
        <button type="submit" className="primary" disabled={isBusy}>{project ? "Save" : "Create project"}</button>
      </form>
    </Dialog>
  );
}
