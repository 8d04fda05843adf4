/** Copies an answer as it was written. */

import { useEffect, useState } from "react";
import { sourceText, type ThreadMessage } from "../chat/message";
import { copyText } from "../shell/copying";
import { Icon } from "../shell/icon";
import { DONE_MS } from "../timing";
import { useWorkspace } from "../workspace";

export function CopyButton({ message }: { readonly message: ThreadMessage }) {
  const { said, toasts } = useWorkspace();
  const [isDone, done] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => done(false), DONE_MS);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async () => {
    try {
      await copyText(sourceText(message));
      done(true);
      said.set("Copied.");
    } catch {
      toasts.show({ words: "The browser does not allow copying." });
    }
  };
  return (
    <button type="button" className="quiet deed" data-deed="copy" aria-label="Copy answer" title="Copy answer" onClick={() => void copy()}>
      <Icon name={isDone ? "done" : "copy"} />
    </button>
  );
}
