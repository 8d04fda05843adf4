/** Shows what was said before. */

import { useState } from "react";
import type { Thread } from "../chat/thread";
import { useWorkspace } from "../workspace";

/** @param hold called before the messages above come. */
export function Earlier({ thread, hold }: { readonly thread: Thread; hold(): void }) {
  const { toasts } = useWorkspace();
  const [isReading, reading] = useState(false);
  const read = async () => {
    reading(true);
    await thread.earlier(hold).catch((failure: Error) => toasts.show({ words: failure.message }));
    reading(false);
  };
  return (
    <button type="button" className="quiet earlier" disabled={isReading} onClick={() => void read()}>
      {isReading ? "Reading…" : "Show earlier messages"}
    </button>
  );
}
