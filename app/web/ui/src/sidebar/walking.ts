/** Going through the listed chats by keyboard. */

import type { KeyboardEvent } from "react";

const links = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(".lists li > a")];

const linkOf = (chatId: string) => document.querySelector<HTMLElement>(`.lists li[data-chat-id="${chatId}"] > a`);

/** The arrow keys go from the search to the chats and among them. */
export function walk(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const { activeElement } = document;
  if (!step || !activeElement?.matches("#search, .lists li > a")) return;
  event.preventDefault();
  const places = [document.getElementById("search"), ...links()];
  places[places.indexOf(activeElement as HTMLElement) + step]?.focus();
}

/** Do something to a chat that may take its row away: whoever was there is at the next one then. */
export function keepPlace(chatId: string, act: () => void): void {
  const all = links();
  const at = all.findIndex((link) => link === linkOf(chatId));
  const nextId = (all[at + 1] ?? all[at - 1])?.parentElement?.dataset.chatId;
  act();
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return;
    (linkOf(chatId) ?? linkOf(nextId ?? "") ?? document.getElementById("search"))?.focus();
  });
}
