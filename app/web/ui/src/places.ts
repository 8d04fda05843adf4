/** Which chat is shown: the address of the page, as a store. */

import { Watched } from "@tidewire/client";

export interface Place {
  readonly chatId: string;
  /** A chat that nobody has asked anything in yet has no address of its own. */
  readonly isNew: boolean;
  /** The project that a new chat is to be in. */
  readonly projectId: string | null;
}

const CHAT = /^\/c\/([A-Za-z0-9_-]{1,64})\/?$/;

export class Places extends Watched<Place> {
  readonly #newId: () => string;
  #place: Place;

  constructor(newId: () => string) {
    super(() => this.#place);
    this.#newId = newId;
    this.#place = this.#read();
    addEventListener("popstate", () => this.#moved());
  }

  #read(): Place {
    const chatId = CHAT.exec(location.pathname)?.[1];
    const projectId = new URLSearchParams(location.search).get("project");
    return chatId ? { chatId, isNew: false, projectId: null } : { chatId: this.#newId(), isNew: true, projectId };
  }

  #moved(): void {
    this.#place = this.#read();
    this.changed();
  }

  go(path: string): void {
    if (path !== location.pathname + location.search) history.pushState(null, "", path);
    this.#moved();
  }

  /** The new chat has its first question: it gets its address, and stays the same chat. */
  keep(): void {
    if (!this.#place.isNew) return;
    history.pushState(null, "", `/c/${this.#place.chatId}`);
    this.#place = { ...this.#place, isNew: false };
    this.changed();
  }
}
