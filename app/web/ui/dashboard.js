/** The sidebar's truth: a snapshot at a position, and every event after it exactly once. */

const HELD = 1000; // events kept while a snapshot is under way; more would only be resumed

export class Dashboard {
  /** `on.change()`, `on.event(frame)` for each applied event, `on.reset()` when the past is unknown. */
  constructor(socket, on) {
    Object.assign(this, { socket, on, chats: new Map(), gone: new Map(), models: [] });
    this.wishes = new Map(); // what this tab asked for, by chat, until its event has come
    this.position = null; // {epoch, offset} of the last event applied
    this.waiting = null; // "events" or "snapshot", while one of them was asked for
    this.held = [];
  }

  get sorted() {
    const chats = [...this.chats.values()].map((chat) => this.wished(chat));
    const shown = chats.filter((chat) => !chat.archived && !chat.deleted);
    return shown.sort((a, b) => b.pinned - a.pinned || b.updatedAt - a.updatedAt || (a.chatId < b.chatId ? -1 : 1));
  }

  /** A chat as it will be once what was asked for here is done. */
  wished(chat) {
    const wish = this.wishes.get(chat.chatId);
    if (wish && chat.version >= wish.version) this.wishes.delete(chat.chatId);
    return wish && chat.version < wish.version ? { ...chat, ...wish.fields } : chat;
  }

  /** Rename, pin: shown at once. */
  update(chatId, fields) {
    return this.#wish(chatId, fields, () => this.socket.command("chat.update", { chatId, ...fields }));
  }

  delete(chatId) {
    return this.#wish(chatId, { deleted: true }, () => this.socket.command("chat.delete", { chatId }));
  }

  async #wish(chatId, fields, ask) {
    const wish = { fields: { ...this.wishes.get(chatId)?.fields, ...fields }, version: Infinity };
    this.wishes.set(chatId, wish);
    this.on.change();
    try {
      wish.version = (await ask()).version;
    } catch (error) {
      if (this.wishes.get(chatId) === wish) this.wishes.delete(chatId);
      throw error;
    } finally {
      this.on.change();
    }
  }

  welcome({ snapshot, events }) {
    this.waiting = null;
    if (snapshot) this.#replace(snapshot);
    else if (!events.recovered) this.#ask();
  }

  receive(frame) {
    if (frame.type === "events.reset") this.#ask();
    else if (this.waiting === "snapshot") this.held.length < HELD && this.held.push(frame);
    else if (this.waiting || frame.offset <= this.position.offset) return;
    else if (frame.offset === this.position.offset + 1) this.#apply(frame);
    else this.#resume();
  }

  /** Keep the newer of two versions; a deleted chat does not come back. */
  upsert(chat) {
    const known = this.chats.get(chat.chatId)?.version ?? -1;
    if (chat.version > known && chat.version > (this.gone.get(chat.chatId) ?? -1)) this.chats.set(chat.chatId, chat);
  }

  async more() {
    const page = await this.socket.command("dashboard.get", { cursor: this.nextCursor });
    page.chats.forEach((chat) => this.upsert(chat));
    this.nextCursor = page.nextCursor;
    this.on.change();
  }

  #replace(snapshot) {
    const { epoch, offset, chats, models, nextCursor } = snapshot;
    Object.assign(this, { position: { epoch, offset }, models, nextCursor, chats: new Map(), gone: new Map() });
    chats.forEach((chat) => this.upsert(chat));
    this.on.reset();
    this.on.change();
    const held = this.held;
    this.held = [];
    held.forEach((frame) => this.receive(frame));
  }

  #apply(frame) {
    const { chatId, chat, version } = frame.data;
    this.position.offset = frame.offset;
    if (frame.name === "chat.deleted") {
      this.gone.set(chatId, version);
      this.chats.delete(chatId);
    } else if (chat) this.upsert(chat);
    this.on.event(frame);
    this.on.change();
  }

  async #resume() {
    this.waiting = "events";
    try {
      const answer = await this.socket.command("events.resume", { ...this.position }, { resend: false });
      this.waiting = null;
      if (!answer.recovered) await this.#ask();
    } catch {
      // Disconnected: the next hello carries the position.
    }
  }

  async #ask() {
    this.position = null; // should this socket die too, the next welcome brings the snapshot
    this.waiting = "snapshot";
    this.held = [];
    try {
      const snapshot = await this.socket.command("dashboard.get", {}, { resend: false });
      this.waiting = null;
      this.#replace(snapshot);
    } catch {
      // As above.
    }
  }
}
