/** Says what happens to people who listen instead of looking; never a token. */

import { useEffect, useRef } from "react";
import { factsOf } from "../chat/facts";
import type { ThreadMessage } from "../chat/message";
import { useStore } from "../store";
import { STILL_WRITING_MS } from "../timing";
import { endSaid, isRunning } from "../words";
import { useWorkspace } from "../workspace";

export function Announcer() {
  const { said } = useWorkspace();
  return <div className="spoken" role="status" aria-live="polite" data-testid="live">{useStore(said)}</div>;
}

/** Say of the shown chat's newest answer that it begins, waits for the person, is still being written, and how it ended. */
export function useAnnouncements(chatId: string, messages: readonly ThreadMessage[]): void {
  const { client, said } = useWorkspace();
  useStore(client.dashboard);
  const isAsking = client.dashboardChat(chatId)?.awaitingApproval === true;
  useEffect(() => {
    if (isAsking) said.set("The answer waits for you.");
  }, [said, isAsking]);
  const newest = messages.findLast(({ role }) => role === "assistant");
  const isWriting = newest?.status === "streaming";
  const watched = useRef<string | null>(null);
  useEffect(() => {
    if (!newest || !isWriting) return;
    watched.current = newest.id;
    said.set("The answer begins.");
    let isOdd = false; // a region that holds the same words twice is read once
    const timer = setInterval(() => said.set((isOdd = !isOdd) ? "Still writing." : "It is still being written."), STILL_WRITING_MS);
    return () => clearInterval(timer);
  }, [said, newest?.id, isWriting]);
  useEffect(() => {
    if (!newest || newest.id !== watched.current || isRunning(newest.status)) return;
    watched.current = null;
    said.set(endSaid(newest.status, factsOf(newest, true)));
  }, [said, newest]);
}
