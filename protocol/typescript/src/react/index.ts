/** Hooks over the client's stores; each renders again only when what it returns has changed. */

import { useEffect, useState, useSyncExternalStore } from "react";
import type { DashboardView } from "../client/dashboard.js";
import type { Answer, AnswerView } from "../sdk/answer.js";
import type { Client } from "../sdk/client.js";
import type { ConnectionView } from "../sdk/connection.js";
import type { Outgoing } from "../sdk/kept.js";
import type { Store } from "../sdk/store.js";

/** What a store holds. */
export const useStore = <T>({ subscribe, getSnapshot }: Store<T>): T =>
  useSyncExternalStore(subscribe, getSnapshot, getSnapshot);

/** How the connection stands. */
export const useConnection = (client: Client): ConnectionView => useStore(client.connection);

/** The user's chats, projects and models. */
export const useDashboard = (client: Client): DashboardView => useStore(client.dashboard);

/** The questions on their way: shown dim until they are confirmed, with Retry and Remove when they were refused. */
export const useOutbox = (client: Client): readonly Outgoing[] => useStore(client.outbox);

/** An answer as it grows; null while there is none. */
export const useAnswer = (answer: Answer | null): AnswerView | null =>
  useStore<AnswerView | null>(answer ?? NO_ANSWER);

/**
 * The answer in a chat, whoever asked for it: followed as soon as it starts, and kept in its final state until the next
 * one. For pages without `useChat`.
 */
export function useChatStream(client: Client, chatId: string): AnswerView | null {
  const active = () => client.dashboardChat(chatId)?.activeStreamId ?? null;
  const streamId = useSyncExternalStore(client.dashboard.subscribe, active, active);
  const [found, setFound] = useState<{ readonly chatId: string; readonly answer: Answer } | null>(null);
  useEffect(() => {
    if (streamId !== null) setFound({ chatId, answer: client.follow(streamId) });
  }, [client, chatId, streamId]);
  return useAnswer(found?.chatId === chatId ? found.answer : null);
}

const NO_ANSWER: Store<null> = { subscribe: () => () => {}, getSnapshot: () => null };
