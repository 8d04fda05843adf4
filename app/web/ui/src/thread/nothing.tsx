/** What a chat shows that has nothing to show: yet, at all, or any more. */

import { useEffect, useState } from "react";
import { modelOf } from "../chat/models";
import type { Thread } from "../chat/thread";
import type { ThreadView } from "../chat/view";
import { useStore } from "../store";
import { SKELETON_MS } from "../timing";
import { useWorkspace } from "../workspace";

interface NothingProps {
  readonly thread: Thread;
  readonly view: ThreadView;
  readonly isNew: boolean;
  readonly draftKey: string;
  readonly ask: (text: string) => void;
}

export function Nothing({ thread, view: { state, problem }, isNew, draftKey, ask }: NothingProps) {
  if (state === "loading" || (state === "new" && !isNew)) return <Skeleton />;
  if (state === "failed") return <Failed thread={thread} problem={problem} />;
  if (state === "missing") {
    return (
      <div className="empty">
        <p>This chat does not exist, or it was deleted.</p>
        <p><a href="/">Start a new one</a></p>
      </div>
    );
  }
  return <FirstPage draftKey={draftKey} ask={ask} />;
}

/** @param problem why the chat could not be read. */
export function Failed({ thread, problem }: { readonly thread: Thread; readonly problem: string | null }) {
  return (
    <div className="empty" role="alert">
      <p>{problem ?? "This chat could not be read."}</p>
      <button type="button" className="quiet accent" onClick={() => void thread.load()}>Try again</button>
    </div>
  );
}

function Skeleton() {
  const [isLate, late] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => late(true), SKELETON_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isLate) return null;
  return (
    <div className="skeleton" role="status" data-testid="skeleton">
      <span className="spoken">Loading…</span>
      {["question", "long", "long", "short", "question", "long", "short"].map((kind, at) => <div key={at} className={kind} />)}
    </div>
  );
}

const EXAMPLES = {
  demo: ["How do I stop an answer?", "What happens when I refresh the page?", "How do I talk to a real model?"],
  real: ["Explain how tides work, simply", "Plan a quiet weekend in a new city", "Help me write a clear, kind email"],
};

function FirstPage({ draftKey, ask }: Pick<NothingProps, "draftKey" | "ask">) {
  const { client } = useWorkspace();
  const { models } = useStore(client.dashboard);
  const examples = models.length === 0 ? [] : modelOf(models, draftKey)?.id === "demo" ? EXAMPLES.demo : EXAMPLES.real;
  return (
    <div className="empty">
      <h2>What would you like to know?</h2>
      <div className="examples" data-testid={models.length > 0 ? "examples" : undefined}>
        {examples.map((text) => (
          <button key={text} type="button" className="example" onClick={() => ask(text)}>{text}</button>
        ))}
      </div>
    </div>
  );
}
