/** What stands in place of a question while it is rewritten. */

import { textOf } from "@tidewire/client";
import { type FormEvent, type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Content } from "../chat/asking";
import type { ThreadMessage } from "../chat/message";
import { wishedModel } from "../chat/models";
import type { Thread } from "../chat/thread";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { fit } from "./fit";
import { sends } from "./sends";

interface EditorProps {
  readonly thread: Thread;
  readonly message: ThreadMessage;
  readonly close: () => void;
}

export function Editor({ thread, message: { id, message }, close }: EditorProps) {
  const { client, connected } = useWorkspace();
  const isConnected = useStore(connected);
  const [text, write] = useState(() => textOf(message));
  const [isSending, sending] = useState(false);
  const [problem, blame] = useState<string | null>(null);
  const words = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => fit(words.current), [text]);
  useEffect(() => {
    words.current?.focus();
    words.current?.setSelectionRange(text.length, text.length);
  }, []);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (isSending || !text.trim()) return;
    sending(true);
    blame(null);
    try {
      const files = message.parts.filter((part) => part.type === "file");
      const parts = [...files, { type: "text", text }] as Content;
      await thread.edit(id, parts, wishedModel(client.dashboard.getSnapshot().models, thread.chatId));
      close();
    } catch (failure) {
      blame((failure as Error).message);
      sending(false);
      words.current?.focus();
    }
  };
  const press = (event: KeyboardEvent<HTMLFormElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault(); // elsewhere it stops the answer
      close();
    } else if (sends(event) && event.target === words.current) {
      event.preventDefault();
      event.currentTarget.requestSubmit();
    }
  };
  return (
    <form className="editor" onSubmit={(event) => void send(event)} onKeyDown={press}>
      <textarea
        ref={words}
        aria-label="Your question"
        rows={1}
        value={text}
        readOnly={isSending}
        onChange={(event) => write(event.target.value)}
      />
      <div className="foot">
        {problem !== null && <span className="bad" role="alert">{problem}</span>}
        {isSending && <span className="late" role="status">{isConnected ? "Sending…" : "Will be sent when the connection is back."}</span>}
        <button type="button" className="quiet" onClick={close}>Cancel</button>
        <button type="submit" className="quiet accent" disabled={isSending || !text.trim()}>Send</button>
      </div>
    </form>
  );
}
