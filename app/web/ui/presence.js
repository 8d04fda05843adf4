/** What this tab shows, said to the server; and what was seen here, which is then no longer new on any device. */

/** Whether an answer stands here whole, however it ended. */
const isWhole = ({ role, stream }) => role === "assistant" && (!stream || stream.over);

export class Presence {
  /** `shown()` is the chat on the screen. A window without the focus still shows it, so only hiding counts. */
  constructor(socket, dashboard, shown) {
    Object.assign(this, { socket, dashboard, shown, said: "", saw: "" });
    for (const name of ["focus", "pageshow"]) addEventListener(name, () => this.say()); // where hiding tells nobody
  }

  /** Say what is on the screen, if it has changed; `again` on a new socket, which knows nothing yet. */
  say(again = false) {
    const fields = { visibility: document.hidden ? "hidden" : "visible", chatId: this.shown().chatId };
    const said = JSON.stringify(fields);
    if (said === this.said && !again) return;
    this.said = said;
    this.socket.tell("presence.update", fields);
  }

  /** How many chats have an answer that nobody saw; the one that is looked at right now is about to be seen. */
  get unseen() {
    return this.dashboard.sorted.filter((chat) => chat.unseen && !this.#isLookedAt(chat)).length;
  }

  /** The newest whole answer of the chat on the screen has been drawn. */
  see() {
    const { chatId, messages, state } = this.shown();
    const chat = this.dashboard.chats.get(chatId);
    const newest = messages.findLast(isWhole);
    if (!chat?.unseen || !this.#isLookedAt(chat) || state !== "loaded" || !newest) return;
    const saw = `${newest.id} ${chat.version}`;
    if (saw === this.saw) return; // what was named is older than what is new: it is on its way here
    this.saw = saw;
    this.socket.command("chat.seen", { chatId, messageId: newest.id }).catch(() => {});
  }

  #isLookedAt({ chatId }) {
    return !document.hidden && chatId === this.shown().chatId;
  }
}
