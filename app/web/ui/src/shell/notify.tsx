/** Tells people who asked for it, and look elsewhere, that an answer is there. */

import type { EventFrame } from "@tidewire/client";
import { useEffect, useState } from "react";
import { read, write } from "../storage";
import { useWorkspace } from "../workspace";
import { Icon } from "./icon";

const KEY = "notify";

export interface Note {
  readonly chatId: string;
  readonly title: string;
  readonly body: string;
}

/**
 * What an event is worth to somebody who looks elsewhere; null: nothing.
 *
 * The server calls a chat unseen only when no tab of its person was looking when the answer ended (guarantee 26).
 */
export function noteOf({ name, data }: Pick<EventFrame, "name" | "data">, wasAsking: boolean): Note | null {
  const chat = data.chat as { chatId: string; title?: string; awaitingApproval?: boolean } | undefined;
  if (!chat) return null;
  const title = chat.title || "New chat";
  if (name === "chat.unseen") return { chatId: chat.chatId, title, body: "A new answer is there." };
  const isAsking = chat.awaitingApproval === true && !wasAsking;
  return isAsking ? { chatId: chat.chatId, title, body: "The answer waits for you." } : null;
}

const isPossible = (): boolean => "Notification" in window && Notification.permission !== "denied";
const isWanted = (): boolean => isPossible() && Notification.permission === "granted" && read<boolean>(KEY) === true;

/** The bell: whether to be told. Nobody is asked before they press it. */
export function NotifyButton() {
  const [isOn, turn] = useState(isWanted);
  useNotes(isOn);
  if (!isPossible()) return null;
  const press = async () => {
    const wants = !isOn && (await Notification.requestPermission()) === "granted";
    write(KEY, wants || null);
    turn(wants);
  };
  const words = isOn ? "Stop notifying me of answers" : "Notify me when an answer is there";
  return (
    <button type="button" className="icon-button bell" aria-pressed={isOn} aria-label={words} title={words} onClick={() => void press()}>
      <Icon name={isOn ? "bell" : "bellOff"} />
    </button>
  );
}

function useNotes(isOn: boolean): void {
  const { client, places } = useWorkspace();
  useEffect(() => {
    if (!isOn) return;
    const asking = new Set<string>();
    return client.onEvent((event) => {
      const chat = event.data.chat as { chatId?: string; awaitingApproval?: boolean } | undefined;
      const note = noteOf(event, asking.has(chat?.chatId ?? ""));
      if (chat?.chatId) asking[chat.awaitingApproval ? "add" : "delete"](chat.chatId);
      if (note && document.hidden) show(note, () => places.go(`/c/${note.chatId}`));
    });
  }, [isOn, client, places]);
}

function show({ chatId, title, body }: Note, open: () => void): void {
  try {
    const note = new Notification(title, { body, tag: chatId, icon: "/favicon.svg" }); // a tag: several tabs show it once
    note.onclick = () => {
      window.focus();
      note.close();
      open();
    };
  } catch {
    // Some phones have the name but let only service workers use it.
  }
}
