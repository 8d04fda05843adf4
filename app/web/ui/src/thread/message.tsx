/** One message: an answer that grows draws nothing but itself. */

import type { Message } from "@tidewire/client";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Around } from "../chat/deeds";
import { sourceText, type ThreadMessage } from "../chat/message";
import type { Thread } from "../chat/thread";
import { Growth } from "../parts/growth";
import { Parts } from "../parts/parts";
import { STILL, Throttled, useStore } from "../store";
import { isRunning } from "../words";
import { useWorkspace } from "../workspace";
import { Editor } from "./editor";
import { Foot } from "./foot";

export interface MessageProps extends Around {
  readonly thread: Thread;
  readonly message: ThreadMessage;
}

export const MessageArticle = memo(function MessageArticle({ thread, message, ...around }: MessageProps) {
  const article = useRef<HTMLElement>(null);
  const [isEdited, edit] = useState(false);
  useLayoutEffect(() => {
    // For tests and extensions: the exact text, whatever has been drawn of it so far.
    if (article.current) Object.defineProperty(article.current, "sourceText", { get: () => sourceText(message), configurable: true });
  }, [message]);
  const isUser = message.role === "user";
  const close = () => {
    edit(false);
    requestAnimationFrame(() => article.current?.querySelector<HTMLElement>("[data-deed=edit]")?.focus());
  };
  return (
    <article
      ref={article}
      className={`message ${message.role}`}
      data-message-id={message.id}
      data-role={message.role}
      data-status={message.status}
      aria-busy={!isUser && isRunning(message.status)}
    >
      <h2 className="spoken">{isUser ? "You" : "Answer"}</h2>
      {isEdited ? (
        <Editor thread={thread} message={message} close={close} />
      ) : (
        <>
          <div className="body"><Body message={message} /></div>
          <Foot thread={thread} message={message} edit={() => edit(true)} {...around} />
        </>
      )}
    </article>
  );
});

/** The same component while it grows and after, so that nothing of it is drawn anew at its end. */
function Body({ message: { message, answer } }: { readonly message: ThreadMessage }) {
  const { pace } = useWorkspace();
  const growth = useMemo(() => answer && new Growth(answer, new Throttled(answer, pace)), [answer, pace]);
  const growing = useStore<Message | null>(growth?.shape ?? STILL);
  return <Parts message={growing ?? message} answer={answer} growth={growth} />;
}
