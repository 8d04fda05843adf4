/** The questions that wait for their turn, above the composer; the same in every tab. */

import { askNow, moved, type Waiting, waitingIn } from "../chat/queue";
import type { Thread } from "../chat/thread";
import type { ThreadView } from "../chat/view";
import { Icon, type IconName } from "../shell/icon";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";

export function useQueue(chatId: string, view: ThreadView): readonly Waiting[] {
  const { client } = useWorkspace();
  useStore(client.dashboard);
  return waitingIn(client.dashboardChat(chatId), view.ahead, view.messages);
}

export function Queue({ thread, queue }: { readonly thread: Thread; readonly queue: readonly Waiting[] }) {
  const { client, toasts } = useWorkspace();
  const { chatId } = thread;
  if (queue.length === 0) return null;
  const isPaused = client.dashboardChat(chatId)?.queuePaused === true;
  const attempt = (deed: Promise<void>) => void deed.catch((failure: Error) => toasts.show({ words: failure.message }));
  const arrange = (change: Parameters<typeof client.updateQueue>[1]) => attempt(client.updateQueue(chatId, change));
  return (
    <ul className="queue" data-testid="queue" aria-label="Waiting questions">
      {isPaused && (
        <li className="paused">
          <span className="name">What waits is paused</span>
          <button type="button" className="quiet accent" onClick={() => arrange({ paused: false })}>Continue</button>
        </li>
      )}
      {queue.map((waiting, at) => (
        <Row
          key={waiting.commandId}
          waiting={waiting}
          isFirst={at === 0}
          now={() => attempt(askNow(client, chatId, waiting.commandId))}
          earlier={() => arrange({ order: moved(queue, waiting.commandId, -1) })}
          remove={() => (waiting.isSending ? thread.discard(waiting.commandId) : arrange({ remove: [waiting.commandId] }))}
        />
      ))}
    </ul>
  );
}

interface RowProps {
  readonly waiting: Waiting;
  readonly isFirst: boolean;
  now(): void;
  earlier(): void;
  remove(): void;
}

function Row({ waiting: { text, isSending }, isFirst, now, earlier, remove }: RowProps) {
  return (
    <li className={isSending ? "on-its-way" : undefined}>
      <span className="name" title={text}>{text}</span>
      {!isFirst && !isSending && (
        <button type="button" className="quiet deed" aria-label="Move up" title="Move up" onClick={earlier}><Icon name="raise" /></button>
      )}
      {!isSending && <Act words="Send now" icon="send" act={now} />}
      <Act words="Remove" icon="close" act={remove} />
    </li>
  );
}

/** In words where there is room for them. */
function Act({ words, icon, act }: { readonly words: string; readonly icon: IconName; act(): void }) {
  return (
    <button type="button" className="quiet act" aria-label={words} title={words} onClick={act}>
      <span aria-hidden="true">{words}</span>
      <Icon name={icon} />
    </button>
  );
}
