/** Which project the shown chat is in, and what is kept in mind there. */

import { Icon } from "../shell/icon";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";

export function ProjectChip() {
  const { filing, places, dialogs } = useWorkspace();
  const { projects } = useStore(filing);
  const place = useStore(places);
  const wanted = filing.chat(place.chatId)?.projectId ?? place.projectId;
  const project = projects.find(({ projectId }) => projectId === wanted);
  if (!project) return null;
  const { projectId, title, instructions } = project;
  return (
    <button
      type="button"
      className="chip"
      data-testid="project-chip"
      aria-haspopup="dialog"
      title={instructions ?? "This project has no instructions yet."}
      onClick={() => dialogs.set(`project:${projectId}`)}
    >
      <Icon name="folder" />
      <span className="name">{title}</span>
      {instructions && <span className="instructions">{instructions}</span>}
    </button>
  );
}
