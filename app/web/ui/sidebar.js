/** The list of chats: pinned ones, then newest first, with what runs, what waits, what is new and what went wrong marked. */
import { arrange, h } from "./dom.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

const BROKEN = ["failed", "interrupted"]; // a stop is no fault

/** A sign for eyes, and words for ears. */
const mark = (kind, words, sign) =>
  h("span", { class: kind, title: words },
    sign && h("span", { "aria-hidden": "true" }, sign), h("span", { class: "spoken" }, words));

class Row {
  /** `open(anchor)` shows what can be done with the chat. */
  constructor(chatId, open) {
    this.name = h("span", { class: "name" });
    this.running = mark("spinner", "Answering");
    this.asking = mark("asking", "Waits for you", "?");
    this.failed = mark("failed", "Couldn’t finish", "!");
    this.unseen = mark("dot", "New answer");
    this.pinned = mark("pinned", "Pinned");
    this.link = h("a", { href: `/c/${chatId}` }, this.name, this.running, this.asking, this.failed,
      this.unseen, this.pinned);
    this.more = h("button", { class: "more", type: "button", onclick: () => open(this.more) }, "⋯");
    this.element = h("li", { "data-chat-id": chatId }, this.link, this.more);
  }

  update(chat, isShown) {
    const title = chat.title || "New chat";
    if (this.title !== undefined && this.title !== title) this.#type(title);
    else if (this.title !== title) this.name.textContent = title;
    this.title = this.link.title = title;
    this.running.hidden = !chat.activeStreamId || Boolean(chat.awaitingApproval);
    this.asking.hidden = !chat.awaitingApproval;
    this.failed.hidden = Boolean(chat.activeStreamId) || !BROKEN.includes(chat.lastStatus);
    this.unseen.hidden = !chat.unseen || isShown;
    this.pinned.hidden = !chat.pinned;
    this.more.setAttribute("aria-label", `More for ${title}`);
    if (isShown) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
  }

  /** Write another name in place; Enter or a click elsewhere keeps it, Escape does not. */
  rename(keep) {
    const input = h("input", { class: "rename", value: this.title, maxlength: 200, "aria-label": "Name of the chat" });
    let over = false;
    const finish = (isKept) => {
      if (over) return; // taking the input away blurs it
      over = true;
      const words = input.value.trim();
      this.link.hidden = this.more.hidden = false;
      input.remove();
      this.link.focus();
      if (isKept && words && words !== this.title) keep(words);
    };
    input.addEventListener("blur", () => finish(true));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (!event.isComposing && (event.key === "Enter" || event.key === "Escape")) finish(event.key === "Enter");
    });
    this.link.hidden = this.more.hidden = true;
    this.element.prepend(input);
    input.select();
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
  /** `open(chat, row, anchor)` shows what can be done with a chat. */
  constructor(list, open) {
    Object.assign(this, { list, open, rows: new Map() });
    this.nothing = h("li", { class: "nothing" }, "No chat has these words.");
  }

  render(chats, shownId) {
    const ids = new Set(chats.map((chat) => chat.chatId));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    arrange(this.list, chats.map((chat) => this.#row(chat, shownId)));
  }

  /** What a search found. */
  renderFound(chats, shownId) {
    this.render(chats, shownId);
    if (!chats.length) this.list.append(this.nothing);
  }

  #row(chat, shownId) {
    const { chatId } = chat;
    if (!this.rows.has(chatId)) {
      const row = new Row(chatId, (anchor) => this.open(row.chat, row, anchor));
      this.rows.set(chatId, row);
    }
    const row = this.rows.get(chatId);
    row.chat = chat;
    row.update(chat, chatId === shownId);
    return row.element;
  }
}
