/** The list of chats: newest first, with what runs and what is new marked. */
import { arrange, h } from "./dom.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

class Row {
  constructor(chatId) {
    this.name = h("span", { class: "name" });
    this.running = h("span", { class: "spinner" }, h("span", { class: "spoken" }, "Answering"));
    this.unseen = h("span", { class: "dot" }, h("span", { class: "spoken" }, "New answer"));
    this.link = h("a", { href: `/c/${chatId}` }, this.name, this.running, this.unseen);
    this.element = h("li", { "data-chat-id": chatId }, this.link);
  }

  update(chat, isShown) {
    const title = chat.title || "New chat";
    if (this.title !== undefined && this.title !== title) this.#type(title);
    else if (this.title !== title) this.name.textContent = title;
    this.title = this.link.title = title;
    this.running.hidden = !chat.activeStreamId;
    this.unseen.hidden = !chat.unseen || isShown;
    if (isShown) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
  }

  #type(title) {
    clearInterval(this.typing);
    if (still.matches || document.hidden) return void (this.name.textContent = title);
    let shown = 0;
    this.typing = setInterval(() => {
      this.name.textContent = title.slice(0, ++shown);
      if (shown >= title.length) clearInterval(this.typing);
    }, 18);
  }
}

export class Sidebar {
  constructor(list) {
    Object.assign(this, { list, rows: new Map() });
  }

  render(chats, shownId) {
    const ids = new Set(chats.map((chat) => chat.chatId));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    arrange(this.list, chats.map((chat) => this.#row(chat, shownId)));
  }

  #row(chat, shownId) {
    const { chatId } = chat;
    if (!this.rows.has(chatId)) this.rows.set(chatId, new Row(chatId));
    const row = this.rows.get(chatId);
    row.update(chat, chatId === shownId);
    return row.element;
  }
}
