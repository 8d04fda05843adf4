/** What stands below a message: how it is, and what can be done with it. */

import { useMemo, useSyncExternalStore } from "react";
import { type Around, type Deed, deedsOf, GO_ON, verbOf } from "../chat/deeds";
import { wordsOf } from "../chat/facts";
import { metadataOf, type ThreadMessage } from "../chat/message";
import { nameOf, wishedModel } from "../chat/models";
import type { Thread } from "../chat/thread";
import { every } from "../pace";
import { Icon, type IconName } from "../shell/icon";
import { STILL, Throttled, useStore } from "../store";
import { STATUS_THROTTLE_MS } from "../timing";
import { isRunning } from "../words";
import { useWorkspace } from "../workspace";
import { CopyButton } from "./copy";
import { Versions } from "./versions";

const LOOKS = every(STATUS_THROTTLE_MS);

interface FootProps extends Around {
  readonly thread: Thread;
  readonly message: ThreadMessage;
  readonly edit: () => void;
}

export function Foot({ thread, message, edit, ...around }: FootProps) {
  const { client } = useWorkspace();
  const words = useWords(message);
  const model = useModel(message);
  const isLive = isRunning(message.status);
  const versions = isLive ? undefined : metadataOf(message).versions;
  const deeds = deedsOf(message, around);
  const act = (deed: Deed) => {
    const model = wishedModel(client.dashboard.getSnapshot().models, thread.chatId);
    if (deed === "edit") edit();
    else if (deed === "continue") thread.send([{ type: "text", text: GO_ON }], { model });
    else void thread.rewrite(message.id, verbOf(message), model);
  };
  return (
    <div className="foot">
      {words !== null && <Status message={message} words={words} />}
      {message.role === "assistant" && message.error && <span className="bad" role="alert">{message.error.message}</span>}
      {message.isRewriting && <span className="busy">Asking again…</span>}
      {message.role === "user" && message.commandId !== null && <OnItsWay thread={thread} message={message} />}
      {model !== null && <span className="by" title="The model that answered">{model}</span>}
      {versions && <Versions thread={thread} versions={versions} />}
      {deeds.map((deed) =>
        deed === "copy" ? <CopyButton key={deed} message={message} /> : <DeedButton key={deed} deed={deed} act={act} />,
      )}
    </div>
  );
}

/** Drawn when the words change, not whenever the answer does. */
function useWords(message: ThreadMessage): string | null {
  const isConnected = useStore(useWorkspace().connected);
  const store = useMemo(() => new Throttled<unknown>(message.answer ?? STILL, LOOKS), [message.answer]);
  return useSyncExternalStore(store.subscribe, () => wordsOf(message, isConnected));
}

/** The name of the model that has written an answer; nothing while it is written, when the status stands there. */
function useModel(message: ThreadMessage): string | null {
  const { dashboard } = useWorkspace().client;
  const id = isRunning(message.status) ? undefined : metadataOf(message).model;
  return useSyncExternalStore(dashboard.subscribe, () => nameOf(dashboard.getSnapshot().models, id));
}

function Status({ message: { status }, words }: { readonly message: ThreadMessage; readonly words: string }) {
  const isBad = status === "refused" || status === "failed" || status === "interrupted";
  const kind = status === "sending" ? "late" : isRunning(status) ? "busy" : isBad ? "bad" : "said";
  return <span className={kind} data-testid="status">{words}</span>;
}

/** A question that has not been stored: it can be sent again, or taken back. */
function OnItsWay({ thread, message: { commandId, status, isWaiting } }: { readonly thread: Thread; readonly message: ThreadMessage }) {
  const id = commandId ?? "";
  if (status !== "refused" && !isWaiting) return null;
  return (
    <>
      {status === "refused" && <button type="button" className="quiet accent" onClick={() => thread.resend(id)}>Retry</button>}
      <button type="button" className={status === "refused" ? "quiet" : "quiet late"} onClick={() => thread.discard(id)}>Remove</button>
    </>
  );
}

const DEEDS: Readonly<Record<Exclude<Deed, "copy">, { readonly words: string; readonly icon: IconName | null }>> = {
  edit: { words: "Edit", icon: "edit" },
  continue: { words: "Continue", icon: null },
  retry: { words: "Retry", icon: null },
  regenerate: { words: "Regenerate", icon: "again" },
};

function DeedButton({ deed, act }: { readonly deed: Exclude<Deed, "copy">; readonly act: (deed: Deed) => void }) {
  const { words, icon } = DEEDS[deed];
  if (icon === null) return <button type="button" className="quiet accent" onClick={() => act(deed)}>{words}</button>;
  return (
    <button type="button" className="quiet deed" data-deed={deed} aria-label={words} title={words} onClick={() => act(deed)}>
      <Icon name={icon} />
    </button>
  );
}
