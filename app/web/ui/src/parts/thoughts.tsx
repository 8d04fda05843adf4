/** What a model thought before it wrote, folded, with how long it took. */

import type { ReasoningPart, Store } from "@tidewire/client";
import { useRef } from "react";
import { Markdown } from "../markdown/markdown";

interface ThoughtsProps {
  readonly part: ReasoningPart;
  readonly isLive: boolean;
  readonly words: Store<string> | null;
  /** What the server measured, in milliseconds, once the answer is over; until then the page has its own watch. */
  readonly took: number | undefined;
}

export function Thoughts({ part, isLive, words, took }: ThoughtsProps) {
  const isWriting = isLive && part.state === "streaming";
  const own = useWatch(isWriting);
  if (!isWriting && !part.text) return null; // thoughts that the provider keeps to itself
  return (
    <details className="thoughts">
      <summary>{thoughtFor(isWriting ? undefined : took ?? own)}</summary>
      <Markdown text={part.text} isLive={isWriting} words={words} />
    </details>
  );
}

/** How long something ran while it was looked at, in milliseconds; undefined when its start was not seen. */
function useWatch(isRunning: boolean): number | undefined {
  const watch = useRef<{ since?: number; took?: number }>({});
  if (isRunning) watch.current.since ??= performance.now();
  else if (watch.current.since !== undefined) watch.current.took ??= performance.now() - watch.current.since;
  return watch.current.took;
}

export function thoughtFor(ms: number | undefined): string {
  if (ms === undefined) return "Thoughts";
  const seconds = Math.round(ms / 1_000);
  if (seconds < 1) return "Thought for a moment";
  if (seconds < 60) return `Thought for ${seconds} second${seconds === 1 ? "" : "s"}`;
  return `Thought for ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
