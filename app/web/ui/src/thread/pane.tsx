/** The chat that is shown: its messages, and the composer. */

import { useEffect, useState } from "react";
import type { Place } from "../places";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { MessageArticle } from "./message";

export function ThreadPane({ place }: { readonly place: Place }) {
  const { threads, places } = useWorkspace();
  const thread = threads.get(place.chatId);
  useEffect(() => {
    if (!place.isNew) threads.open(place.chatId);
  }, [threads, place]);
  const { messages, isBusy } = useStore(thread);
  const [text, write] = useState("");
  const send = () => {
    thread.send([{ type: "text", text }]);
    write("");
    places.keep();
  };
  return (
    <>
      <div className="scroll" tabIndex={-1}>
        <div className="thread" data-testid="thread">
          {messages.map((message) => <MessageArticle key={message.id} message={message} />)}
        </div>
      </div>
      <div className="dock">
        <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
          <textarea data-testid="composer" aria-label="Message" value={text} onChange={(event) => write(event.target.value)} />
          {isBusy ? <button type="button" onClick={() => void thread.stop()}>Stop</button> : <button type="submit">Send</button>}
        </form>
      </div>
    </>
  );
}
