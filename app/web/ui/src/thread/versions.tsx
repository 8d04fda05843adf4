/** Which of several versions of a message is shown: ‹ 2 / 3 ›, the same on every device. */

import type { Versions as Known } from "@tidewire/client";
import { useState } from "react";
import type { Thread } from "../chat/thread";
import { Icon } from "../shell/icon";
import { useWorkspace } from "../workspace";

export function Versions({ thread, versions: { index, ids } }: { readonly thread: Thread; readonly versions: Known }) {
  const { toasts } = useWorkspace();
  const [isTurning, turning] = useState(false);
  if (ids.length < 2) return null;
  const turn = async (id: string) => {
    if (isTurning) return;
    turning(true);
    await thread.select(id).catch((failure: Error) => toasts.show({ words: failure.message }));
    turning(false);
  };
  const button = (id: string | undefined, label: string, icon: "left" | "right") => (
    <button type="button" className="quiet deed" aria-label={label} disabled={id === undefined} onClick={() => id && void turn(id)}>
      <Icon name={icon} />
    </button>
  );
  return (
    <span className="versions" data-testid="versions">
      {button(ids[index - 1], "Previous version", "left")}
      <span aria-hidden="true">{`${index + 1} / ${ids.length}`}</span>
      <span className="spoken">{`Version ${index + 1} of ${ids.length}`}</span>
      {button(ids[index + 1], "Next version", "right")}
    </span>
  );
}
