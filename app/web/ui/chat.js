/** One chat: its stored messages, the questions under way, and the answer being written. */
import { partOf } from "./attachments.js";
import { storage, uuidv7 } from "./dom.js";

/** The raw text of a message: what a person reads, without markup. */
export const textOf = (message) => message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

/** What is going on with a message, in one word of the protocol (or `sending`, `refused` for a question). */
export function statusOf(message) {
  const stream = message.stream;
  if (message.role === "user") return message.state ?? "stored";
  if (stream && !stream.over) return stream.stopping ? "stopping" : stream.status;
  return message.metadata?.status ?? "completed";
}

const blank = (id) => ({ id, role: "assistant", parts: [], metadata: {} });

export class Chat {
  /** `draftKey` is where its draft is kept: a chat without a question yet has no address to keep it by. */
  constructor(chatId, draftKey, { socket, streams, dashboard, change }) {
    Object.assign(this, { chatId, draftKey, socket, streams, dashboard, change });
    this.messages = [];
    this.draft = { text: "", files: [], unsent: [], ...storage.read(`draft.${draftKey}`) };
    this.state = "new"; // new | loading | loaded | missing | failed
    this.again = false;
    this.waiting = new Set(); // streams of our own questions that wait for their turn
  }

  /** The answer in flight, or the question whose answer has no name yet. */
  get running() {
    const growing = this.messages.findLast((m) => m.stream && !m.stream.over);
    return growing ?? this.messages.findLast((m) => m.state === "sending");
  }

  /** Whether something is being answered here, be it on a branch that is not shown. */
  get busy() {
    return Boolean(this.running ?? this.dashboard.chats.get(this.chatId)?.activeStreamId);
  }

  /** Read what is stored; runs again when something changed meanwhile, so the last word is the server's. */
  async load() {
    if (this.state === "loading") return void (this.again = true);
    this.state = "loading";
    this.change();
    try {
      const stored = await this.socket.command("chat.get", { chatId: this.chatId });
      this.state = "loaded";
      this.dashboard.upsert(stored.chat);
      this.#merge(stored);
    } catch (error) {
      this.state = error.code === "not_found" ? "missing" : "failed";
      this.error = error.message;
    }
    if (this.again) {
      this.again = false;
      this.load();
    }
    this.change();
  }

  async older() {
    const page = await this.socket.command("chat.get", { chatId: this.chatId, before: this.nextCursor });
    this.messages.unshift(...page.messages.filter((message) => !this.#find(message.id)));
    this.nextCursor = page.nextCursor;
    this.change();
  }

  #find(id) {
    return this.messages.find((message) => message.id === id);
  }

  #merge({ chat, messages, activeStream, nextCursor }) {
    const own = this.messages.filter((message) => message.state);
    const merged = messages.map((message) => {
      const known = this.#find(message.id);
      return known?.stream && !known.stream.over ? known : Object.assign(known ?? {}, message, { state: undefined });
    });
    this.messages = [...merged, ...own.filter((message) => message.state)];
    this.nextCursor = nextCursor;
    if (activeStream && activeStream.messageId === chat.leafId) this.#join(activeStream, merged.length);
    this.#forget(messages.map((message) => message.id));
  }

  #join(info, at = this.messages.length) {
    const running = this.streams.byId.get(info.streamId)?.message;
    const message = this.#find(info.messageId) ?? running ?? blank(info.messageId);
    if (!this.messages.includes(message)) this.messages.splice(at, 0, message);
    this.streams.follow(info, message);
  }

  /** Send these words with the files of the draft, all of which are uploaded. */
  send(text, model) {
    const { files } = this.draft;
    const parts = [...files.map(partOf), ...(text.trim() ? [{ type: "text", text }] : [])];
    const message = { id: `msg_${uuidv7()}`, role: "user", parts, model, state: "sending" };
    if (this.draftKey !== this.chatId) storage.write(`draft.${this.draftKey}`, null);
    this.draftKey = this.chatId;
    this.draft.unsent.push({ id: message.id, text, files });
    this.draft.files = [];
    this.write("");
    if (this.state === "missing" || this.state === "new") this.state = "loaded"; // the send creates it
    const stopping = (this.running?.stream ?? this.running)?.stopping;
    const ifActive = stopping ? "stop" : this.busy ? "queue" : undefined;
    this.messages.push(message);
    return this.#submit(message, ifActive);
  }

  /** Ask a question differently: another version of it, with an answer of its own. Throws when it is refused. */
  async edit(message, text, model) {
    const parts = [...message.parts.filter((part) => part.type === "file"), { type: "text", text }];
    const question = { id: `msg_${uuidv7()}`, role: "user", parts };
    const fields = { chatId: this.chatId, messageId: message.id, message: question, model };
    const result = await this.socket.command("message.edit", fields);
    const placed = this.#find(question.id) ?? question;
    this.#replace(message, [placed]);
    this.#answer(result, placed);
    this.change();
  }

  /** `verb` is `retry` or `regenerate`: another version of an answer, below the same question. */
  async rewrite(message, verb, model) {
    if (message.rewriting) return;
    Object.assign(message, { rewriting: true, problem: "" });
    this.change();
    try {
      const fields = { chatId: this.chatId, messageId: message.id, model };
      const result = await this.socket.command(`message.${verb}`, fields);
      const question = this.messages[this.messages.indexOf(message) - 1];
      this.#replace(message, []);
      this.#answer(result, question);
    } catch (error) {
      message.problem = error.message;
    }
    message.rewriting = false;
    this.change();
  }

  /** Show another version, with what was shown below it; the server tells the other tabs. */
  async select(messageId) {
    await this.socket.command("message.select", { chatId: this.chatId, messageId });
    await this.load();
  }

  /** Put `instead` where a message and all below it were. */
  #replace(message, instead) {
    const at = this.messages.indexOf(message);
    if (at < 0) return; // read again meanwhile
    const own = this.messages.filter((other) => other.state);
    const before = this.messages.slice(0, at).filter((other) => !instead.includes(other));
    this.messages = [...before, ...instead, ...own];
  }

  /** Send a refused question again: the same message, a new command. */
  retry(message) {
    return this.#submit(message, undefined);
  }

  async #submit(message, ifActive) {
    const { id, role, parts, model } = message;
    Object.assign(message, { state: "sending", error: null, commandId: uuidv7(), stopping: false });
    this.change();
    try {
      const subscribe = ifActive === "queue" ? false : undefined; // its tab joins it as every other does
      const fields = { chatId: this.chatId, message: { id, role, parts }, model, ifActive, subscribe };
      const result = await this.socket.command("message.send", fields, { id: message.commandId });
      message.state = undefined;
      this.#forget([id]);
      if (ifActive !== "queue") this.#answer(result, message);
      else if (result.status === "streaming") this.#join(result);
      else this.#wait(result, message);
    } catch (error) {
      Object.assign(message, { state: "refused", error });
    }
    this.change();
  }

  /** It is in the queue now, not in the thread; it comes back when its turn does. */
  #wait({ streamId }, question) {
    this.waiting.add(streamId);
    this.messages = this.messages.filter((message) => message !== question);
  }

  #answer(result, question) {
    if (this.state === "loading") this.again = true;
    else this.state = "loaded"; // reads overtake a question: it may have been missing
    const { messageId, streamId, chatId, status } = result;
    const message = this.#find(messageId) ?? blank(messageId);
    const at = this.messages.indexOf(question);
    if (!this.messages.includes(message)) this.messages.splice(at < 0 ? this.messages.length : at + 1, 0, message);
    this.streams.adopt({ messageId, streamId, chatId, status }, message).stopping = question.stopping;
  }

  /** Stop the answer in flight; "Stopping…" until its end arrives. */
  async stop() {
    const target = this.running;
    if (!target && this.busy) await this.socket.command("stream.stop", { chatId: this.chatId });
    if (!target) return;
    const stopping = target.stream ?? target;
    if (stopping.stopping) return;
    stopping.stopping = true;
    this.change();
    const fields = target.stream ? { streamId: target.stream.streamId } : { commandId: target.commandId };
    try {
      await this.socket.command("stream.stop", fields);
    } catch (error) {
      Object.assign(stopping, { stopping: false, label: error.message });
      this.change();
    }
  }

  remove() {
    this.state = "missing";
    this.messages = [];
  }

  /** Ask a question that waits at once, whatever is being answered. */
  async now({ commandId }) {
    const { activeStreamId } = this.dashboard.chats.get(this.chatId);
    if (activeStreamId) await this.socket.command("stream.stop", { streamId: activeStreamId });
    await this.arrange({ order: [commandId], paused: false });
  }

  /** Change what waits: `remove`, `order`, `paused`. */
  arrange(change) {
    return this.socket.command("queue.update", { chatId: this.chatId, ...change });
  }

  /** Whether an event that this tab caused says something that its ack did not. */
  awaits({ name, data }) {
    return name === "message.created" || (name === "stream.started" && this.waiting.delete(data.streamId));
  }

  /** An event about this chat. */
  event({ name, data }) {
    if (this.state === "loading") this.again = true;
    else if (name === "message.created") this.#place(data.message, data.parentId);
    else if (name === "stream.started") this.#join({ ...data, chat: undefined, status: "streaming" });
    else if (name === "stream.ended" && !this.#find(data.messageId)) this.load();
    else if (name === "chat.updated" && this.#isElsewhere(data.chat.leafId)) this.load();
  }

  /** Whether another branch is shown on the other devices than here. */
  #isElsewhere(leafId) {
    const last = this.messages.findLast((message) => !message.state);
    return Boolean(leafId) && leafId !== last?.id && !this.messages.some((message) => message.state === "sending");
  }

  /** The first chunk says which question is answered: what hung there before is another branch now. */
  started({ message }) {
    const parent = this.messages.findIndex((other) => other.id === message.metadata.parentId);
    const at = this.messages.indexOf(message);
    if (at < 0 || !message.metadata.parentId) return;
    if (parent < 0) this.load();
    else this.messages = this.messages.filter((other, i) => i <= parent || i >= at || other.state);
  }

  #place(message, parentId) {
    const known = this.#find(message.id);
    if (known) return void (known.metadata = message.metadata);
    const parent = this.messages.findIndex((other) => other.id === parentId);
    if (this.messages.length && parent < 0) return void this.load();
    const own = this.messages.filter((other) => other.state);
    this.messages = [...this.messages.slice(0, parent + 1), message, ...own];
  }

  /** Keep what is being typed; questions stay in the draft until the server has them. */
  write(text) {
    this.draft.text = text;
    this.keep();
  }

  keep() {
    const { text, unsent } = this.draft;
    const files = this.draft.files.filter((file) => file.url);
    const empty = !text && !files.length && !unsent.length;
    storage.write(`draft.${this.draftKey}`, empty ? null : { text, files, unsent });
  }

  #forget(stored) {
    this.draft.unsent = this.draft.unsent.filter((question) => !stored.includes(question.id));
    this.write(this.draft.text);
  }

  /** After a reload: questions the server never got are text in the composer again. */
  recall() {
    const lost = this.draft.unsent.filter((question) => !this.#find(question.id));
    if (!lost.length) return false;
    this.draft.unsent = this.draft.unsent.filter((question) => !lost.includes(question));
    this.draft.files = [...lost.flatMap((question) => question.files ?? []), ...this.draft.files];
    this.write([...lost.map((question) => question.text), this.draft.text].filter(Boolean).join("\n\n"));
    return true;
  }
}
