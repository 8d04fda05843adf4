/** Whether the chats are to be seen: always on a wide page unless one hides them; over the page on a narrow one. */

import { Watched } from "@tidewire/client";
import { read, write } from "../storage";

export interface DrawerView {
  /** On a narrow page: open over the chat. */
  readonly isOpen: boolean;
  /** On a wide page: put away. */
  readonly isHidden: boolean;
}

const KEY = "sidebar.hidden";

export class Drawer extends Watched<DrawerView> {
  #view: DrawerView = { isOpen: false, isHidden: read<boolean>(KEY) === true };
  readonly #narrow = matchMedia("(width < 768px)");

  constructor() {
    super(() => this.#view);
    this.#narrow.addEventListener("change", () => this.close()); // what is open over the page would lock a wide one
  }

  toggle(): void {
    this.show(this.#narrow.matches ? !this.#view.isOpen : this.#view.isHidden);
  }

  /** Show the chats, or hide them, as it is done on a page of this width. */
  show(isShown: boolean): void {
    if (this.#narrow.matches) return this.#become({ isOpen: isShown });
    write(KEY, isShown ? null : true);
    this.#become({ isHidden: !isShown });
  }

  /** Something was chosen in it. */
  close(): void {
    if (this.#view.isOpen) this.#become({ isOpen: false });
  }

  #become(change: Partial<DrawerView>): void {
    this.#view = { ...this.#view, ...change };
    this.changed();
  }
}
