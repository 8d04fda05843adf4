/** Says that the connection is gone, once it is worth a word; and goes silently. */

import { useEffect, useState } from "react";
import { useStore } from "../store";
import { bannerWords } from "../words";
import { useWorkspace } from "../workspace";
import { online } from "./page";

export function Banner() {
  const { client, places, threads, connected, session } = useWorkspace();
  const connection = useStore(client.connection);
  const thread = useStore(threads.get(useStore(places).chatId));
  const isSending = thread.ahead.length > 0 || thread.messages.some(({ status }) => status === "sending");
  const isWriting = thread.messages.some(({ answer }) => answer !== null && !answer.isOver);
  const facts = { isOnline: useStore(online), isConnected: useStore(connected), isSending, isWriting };
  const { reason } = useStore(session);
  const words = (connection.state === "stopped" ? reason : null) ?? bannerWords({ ...connection, ...facts });
  return (
    <div className={words === null ? "banner" : "banner shown"} data-testid="banner" hidden={words === null}>
      <span role="status">{words}</span>
      {connection.retryAt !== null && <Countdown until={connection.retryAt} />}
      {words !== null && <Action />}
    </div>
  );
}

/** Nothing that people who listen have to hear every second. */
function Countdown({ until }: { readonly until: number }) {
  const [now, look] = useState(Date.now);
  useEffect(() => {
    look(Date.now());
    const timer = setInterval(() => look(Date.now()), 250);
    return () => clearInterval(timer);
  }, [until]);
  const seconds = Math.ceil((until - now) / 1000);
  return <span className="count" aria-hidden="true">{seconds > 0 ? `Trying again in ${seconds} s` : ""}</span>;
}

function Action() {
  const { client, session, dialogs } = useWorkspace();
  const isStopped = useStore(client.connection).state === "stopped";
  const { isLocked } = useStore(session);
  if (!isStopped) return <button type="button" className="quiet" onClick={() => client.wake()}>Try now</button>;
  if (isLocked) return <button type="button" className="quiet accent" onClick={() => dialogs.set("account")}>Sign in</button>;
  return <button type="button" className="quiet" onClick={() => location.reload()}>Reload</button>;
}
