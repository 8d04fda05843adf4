/** The chat that is shown: its messages, what waits for its turn, and the composer. */

import { useEffect } from "react";
import { useSeen } from "../chat/seen";
import type { Thread } from "../chat/thread";
import type { Place } from "../places";
import { useAnnouncements } from "../shell/announcer";
import { Icon } from "../shell/icon";
import { useTitle } from "../shell/title";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Composer, DemoNote, draftKeyOf, useSend } from "./composer";
import { Earlier } from "./earlier";
import { useFollowing } from "./following";
import { Failed, Nothing } from "./nothing";
import { Queue, useQueue } from "./queue";
import { Turns } from "./turns";

export function ThreadPane({ place }: { readonly place: Place }) {
  const { threads } = useWorkspace();
  const thread = threads.get(place.chatId);
  useEffect(() => {
    if (!place.isNew) threads.open(place.chatId);
  }, [threads, place]);
  const view = useStore(thread);
  const queue = useQueue(place.chatId, view);
  const { box, content, isAtEnd, toEnd, hold } = useFollowing(view.messages[0]?.id);
  const send = useSend(thread, place, toEnd);
  const draftKey = draftKeyOf(place);
  useSeen(place.chatId, view);
  useAnnouncements(place.chatId, view.messages);
  useTitle();
  useEscape(thread);
  const hasMessages = view.messages.length > 0;
  return (
    <>
      <div id="scroll" className="scroll" ref={box} tabIndex={0} role="region" aria-label="Messages">
        <div className="thread" data-testid="thread" ref={content}>
          {view.hasEarlier && <Earlier thread={thread} hold={hold} />}
          <Turns thread={thread} view={view} isNew={place.isNew} hasQueue={queue.length > 0} />
          {hasMessages && view.state === "failed" && <Failed thread={thread} problem={view.problem} />}
          {!hasMessages && (
            <Nothing
              thread={thread}
              view={view}
              isNew={place.isNew}
              draftKey={draftKey}
              ask={(text) => send({ text, files: [] })}
            />
          )}
        </div>
      </div>
      <div className="dock">
        {!isAtEnd && hasMessages && (
          <button type="button" className="latest" onClick={toEnd}><Icon name="down" />Jump to latest</button>
        )}
        <Queue thread={thread} queue={queue} />
        <Composer thread={thread} place={place} view={view} send={send} />
        <DemoNote draftKey={draftKey} />
      </div>
    </>
  );
}

/** Escape stops the answer, unless something else is open that it closes. */
function useEscape(thread: Thread): void {
  const { toasts } = useWorkspace();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.shiftKey || event.isComposing || event.defaultPrevented) return;
      if (document.querySelector("dialog[open], :popover-open, .drawer")) return;
      void thread.stop().catch((failure: Error) => toasts.show({ words: failure.message }));
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [thread, toasts]);
}
