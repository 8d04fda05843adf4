/** Shows what was said before; what one reads stays where it is. */

import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import type { Thread } from "../chat/thread";
import { useWorkspace } from "../workspace";

interface EarlierProps {
  readonly thread: Thread;
  readonly box: RefObject<HTMLDivElement | null>;
  /** The first message that is shown. */
  readonly firstId: string | undefined;
}

export function Earlier({ thread, box, firstId }: EarlierProps) {
  const { said } = useWorkspace();
  const [isReading, reading] = useState(false);
  const fromEnd = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (fromEnd.current === null || !box.current) return;
    box.current.scrollTop = box.current.scrollHeight - fromEnd.current;
    fromEnd.current = null;
  }, [firstId, box]);
  const read = async () => {
    reading(true);
    try {
      if (box.current) fromEnd.current = box.current.scrollHeight - box.current.scrollTop;
      await thread.earlier();
    } catch (failure) {
      fromEnd.current = null;
      said.set((failure as Error).message);
    }
    reading(false);
  };
  return (
    <button type="button" className="quiet earlier" disabled={isReading} onClick={() => void read()}>
      {isReading ? "Reading…" : "Show earlier messages"}
    </button>
  );
}
