/** What stands in place of a message that cannot be drawn: its words as they are. */

import { sourceText, type ThreadMessage } from "../chat/message";
import { every } from "../pace";
import { STILL, useThrottled } from "../store";
import { STATUS_THROTTLE_MS } from "../timing";

const LOOKS = every(STATUS_THROTTLE_MS);

export function BareMessage({ message }: { readonly message: ThreadMessage }) {
  useThrottled(message.answer ?? STILL, LOOKS);
  const { id, role, status } = message;
  return (
    <article className={`message ${role}`} data-message-id={id} data-role={role} data-status={status}>
      <div className="body bare">{wordsOf(message)}</div>
      <p className="foot"><span className="said">This message could not be drawn as it should be; these are its words.</span></p>
    </article>
  );
}

function wordsOf(message: ThreadMessage): string {
  try {
    return sourceText(message);
  } catch {
    return "…"; // not even that can be told
  }
}
