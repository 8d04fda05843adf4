/** The messages of a chat. The question asked last stands at the top once its answer has room below it. */

import { useRef } from "react";
import { turnsOf } from "../chat/turns";
import type { Thread } from "../chat/thread";
import type { ThreadView } from "../chat/view";
import { Guard } from "../shell/guard";
import { BareMessage } from "./bare";
import { MessageArticle } from "./message";

interface TurnsProps {
  readonly thread: Thread;
  readonly view: ThreadView;
  readonly isNew: boolean;
  readonly hasQueue: boolean;
}

export function Turns({ thread, view, isNew, hasQueue }: TurnsProps) {
  const turns = turnsOf(view.messages);
  const newest = turns.at(-1)?.id ?? null;
  const isFresh = useFresh(newest, isNew, view.state);
  const lastId = view.messages.findLast(({ commandId }) => commandId === null)?.id; // what was refused is not in the chat
  return turns.map(({ id, messages }) => (
    <section key={id} className={isFresh && id === newest ? "turn fresh" : "turn"}>
      {messages.map((message) => (
        <Guard key={message.id} of={message} instead={() => <BareMessage message={message} />}>
          <MessageArticle
            thread={thread}
            message={message}
            isBusy={view.isBusy}
            isLast={message.id === lastId}
            hasQueue={hasQueue}
          />
        </Guard>
      ))}
    </section>
  ));
}

/** Whether the newest turn began while one was watching: what was there before needs no room at the top. */
function useFresh(newest: string | null, isNew: boolean, state: ThreadView["state"]): boolean {
  const found = useRef<string | null | undefined>(isNew ? null : undefined);
  if (found.current === undefined && state !== "new" && state !== "loading") found.current = newest;
  return found.current !== undefined && newest !== null && newest !== found.current;
}
