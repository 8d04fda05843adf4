/** One message: an answer that grows draws nothing but itself. */

import { memo, useLayoutEffect, useRef, useState } from "react";
import type { Around } from "../chat/deeds";
import { sourceText, type ThreadMessage } from "../chat/message";
import type { Thread } from "../chat/thread";
import { Parts } from "../parts/parts";
import { STILL, useThrottled } from "../store";
import { CHAT_STREAM_UI_THROTTLE_MS } from "../timing";
import { isRunning } from "../words";
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
  const growing = useThrottled(answer ?? STILL, CHAT_STREAM_UI_THROTTLE_MS);
  return <Parts message={growing?.message ?? message} answer={answer} />;
}
