/** What can be done with a chat in the list: rename, pin, delete. One menu serves every row. */
import { h } from "./dom.js";

export class Menu {
  /** `on.rename(chat, row)`, `on.pin(chat)` and `on.remove(chat)`. */
  constructor(on) {
    const button = (words, act) => h("button", { type: "button", onclick: act }, words);
    const then = (act) => () => {
      this.element.hidePopover();
      act(this.chat, this.row);
    };
    this.pin = button("Pin", then(on.pin));
    this.remove = button("Delete", () => (this.sure ? then(on.remove)() : this.#ask(true)));
    this.element = h("div", { class: "menu-box", popover: "auto", "data-testid": "chat-menu" },
      button("Rename", then(on.rename)), this.pin, this.remove);
    document.body.append(this.element);
  }

  open(chat, row, anchor) {
    Object.assign(this, { chat, row });
    this.pin.textContent = chat.pinned ? "Unpin" : "Pin";
    this.#ask(false);
    this.element.showPopover();
    const { left, right, top, bottom } = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const y = bottom + height > innerHeight ? top - height : bottom;
    const x = left + width > innerWidth ? right - width : left;
    Object.assign(this.element.style, { left: `${Math.max(8, x)}px`, top: `${Math.max(8, y)}px` });
    this.element.firstElementChild.focus();
  }

  /** Deleted is deleted, so the same button asks first. */
  #ask(sure) {
    this.sure = sure;
    this.remove.textContent = sure ? "Delete for good?" : "Delete";
    this.remove.classList.toggle("bad", sure);
  }
}
