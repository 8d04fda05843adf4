/** Finds chats by the words in their titles and messages. */

const PAUSE = 150; // ms without a key before the server is asked

export class Search {
  /** `change()` when there is something else to show. */
  constructor(input, socket, dashboard, change) {
    Object.assign(this, { input, socket, dashboard, change, found: null, nextCursor: null });
    input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#ask(), input.value.trim() ? PAUSE : 0);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation(); // Escape elsewhere stops the answer
      input.value = "";
      this.#ask();
    });
  }

  /** What was found, as it is now; null while nothing is looked for. */
  get chats() {
    const { chats, gone } = this.dashboard;
    const there = this.found?.filter((chat) => !gone.has(chat.chatId)) ?? null;
    return there && there.map((chat) => this.dashboard.wished(chats.get(chat.chatId) ?? chat));
  }

  async #ask(cursor) {
    const query = this.input.value.trim();
    this.query = query;
    if (!query) {
      this.found = null;
      return void this.change();
    }
    try {
      const page = await this.socket.command("dashboard.get", { query, cursor });
      if (this.query !== query) return;
      this.found = cursor ? [...this.found, ...page.chats] : page.chats;
      this.nextCursor = page.nextCursor;
    } catch {
      // What was found before stays; the next key asks again.
    }
    this.change();
  }

  more() {
    return this.#ask(this.nextCursor);
  }
}
