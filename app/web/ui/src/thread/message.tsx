/** One message: an answer that grows draws nothing but itself. */

import type { Answer, Message } from "@tidewire/client";
import { memo, useLayoutEffect, useRef } from "react";
import { sourceText, type ThreadMessage } from "../chat/message";
import { Parts } from "../parts/parts";
import { useThrottled } from "../store";
import { CHAT_STREAM_UI_THROTTLE_MS } from "../timing";

export const MessageArticle = memo(function MessageArticle({ message }: { readonly message: ThreadMessage }) {
  const article = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    // For tests and extensions: the exact text, whatever has been drawn of it so far.
    if (article.current) Object.defineProperty(article.current, "sourceText", { get: () => sourceText(message), configurable: true });
  }, [message]);
  return (
    <article
      ref={article}
      className={`message ${message.role}`}
      data-message-id={message.id}
      data-role={message.role}
      data-status={message.status}
    >
      <h2 className="spoken">{message.role === "user" ? "You" : "Answer"}</h2>
      <div className="body">
        {message.answer ? <Growing answer={message.answer} /> : <Whole message={message.message} />}
      </div>
    </article>
  );
});

const Whole = ({ message }: { readonly message: Message }) => <Parts message={message} answer={null} />;

function Growing({ answer }: { readonly answer: Answer }) {
  const { message } = useThrottled(answer, CHAT_STREAM_UI_THROTTLE_MS);
  return <Parts message={message} answer={answer} />;
}
