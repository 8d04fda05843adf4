/** One chat as a tab shows it: its branch, the questions under way, and what can be done. A store, without React. */

import type { Client, EventFrame, Message } from "@tidewire/client";
import { CommandRefused, Watched } from "@tidewire/client";
import { Asking, type Content, type Wanted } from "./asking";
import { Branch } from "./branch";
import type { Origin } from "./message";
import { Shown } from "./shown";
import { Stopping, type StopTarget, stopTarget } from "./stopping";
import type { ThreadView } from "./view";

/** After these, what is shown here ends as the dashboard says. */
const CHANGING: ReadonlySet<string> = new Set(["stream.started", "stream.ended", "chat.updated"]);

export class Thread extends Watched<ThreadView> {
  readonly chatId: string;
  readonly #client: Client;
  readonly #branch: Branch;
  readonly #asking: Asking;
  readonly #stopping = new Stopping();
  readonly #shown = new Shown();
  #state: ThreadView["state"] = "new";
  #problem: string | null = null;
  #isOutdated = false;
  #view: ThreadView | null = null;

  constructor(chatId: string, client: Client) {
    super(() => this.view);
    this.chatId = chatId;
    this.#client = client;
    this.#branch = new Branch(chatId, client, {
      changed: () => this.changed(),
      unclear: () => this.#unclear(),
      ended: (streamId) => this.#stopping.delete(streamId),
    });
    this.#asking = new Asking(chatId, client, this.#branch, this.#stopping, {
      changed: () => this.changed(),
      touched: () => this.#touched(),
      unclear: () => this.#unclear(),
      begun: (streamId, messageId) => this.#join(streamId, messageId, "here"),
    });
  }

  get view(): ThreadView {
    this.#view ??= this.#draw();
    return this.#view;
  }

  #draw(): ThreadView {
    const target = this.#target;
    const { path, origins, cursor } = this.#branch;
    const { own, rewriting } = this.#asking;
    const circumstances = { stopping: this.#stopping, rewriting, origins };
    return {
      state: this.#state,
      problem: this.#problem,
      messages: this.#shown.messages(path, own.below, circumstances),
      ahead: own.ahead,
      hasEarlier: cursor !== null,
      isBusy: target !== null,
      isStopping: this.#stopping.has(target?.key),
    };
  }

  override changed(): void {
    this.#view = null;
    super.changed();
  }

  /** Whether it can be forgotten and read again later. */
  get isIdle(): boolean {
    return this.#state !== "loading" && this.#target === null && this.#asking.own.all.length === 0;
  }

  close(): void {
    this.#asking.own.close();
  }

  // Reading.

  /** Read the chat; again when something changed meanwhile, so that the last word is the server's. */
  async load(): Promise<void> {
    if (this.#state === "loading") return void (this.#isOutdated = true);
    this.#become("loading");
    do {
      this.#isOutdated = false;
      await this.#read();
    } while (this.#isOutdated);
  }

  async #read(): Promise<void> {
    try {
      const before = this.#version;
      const page = await this.#client.chat(this.chatId);
      const isOvertaken = this.#version !== before && this.#version > page.chat.version; // by an event
      if (isOvertaken) this.#isOutdated = true;
      if (this.#isOutdated) return;
      this.#state = "loaded";
      this.#branch.take(page);
    } catch (failure) {
      if (this.#isOutdated) return;
      const isMissing = failure instanceof CommandRefused && failure.error.code === "not_found";
      this.#become(isMissing ? "missing" : "failed", (failure as Error).message);
    }
  }

  /** Of the chat, as the events have told so far. */
  get #version(): number {
    return this.#client.dashboardChat(this.chatId)?.version ?? -1;
  }

  /** Read the page above what is shown; `comes` is called just before it is. */
  async earlier(comes: () => void): Promise<void> {
    const before = this.#branch.cursor;
    if (before === null) return;
    const page = await this.#client.chat(this.chatId, { before });
    comes();
    this.#branch.extend(page, before);
  }

  #become(state: ThreadView["state"], problem: string | null = null): void {
    this.#state = state;
    this.#problem = problem;
    this.changed();
  }

  /** Something is known to be here: a read under way may not know it yet, and a chat that was missing is not. */
  #touched(): void {
    if (this.#state === "loading") this.#isOutdated = true;
    else if (this.#state !== "new") this.#state = "loaded";
  }

  // Asking.

  /** Ask a question. It is shown at once; where an answer is being written already, it waits for its turn. */
  send(parts: Content, wanted: Wanted = {}): void {
    if (this.#state === "missing" || this.#state === "new") this.#state = "loaded"; // the question creates the chat
    const { isBusy, isStopping } = this.view;
    this.#asking.send(parts, isStopping ? "instead" : isBusy ? "ahead" : "first", wanted);
  }

  /** Send a refused question again. */
  resend(commandId: string): void {
    const question = this.#asking.own.all.find((each) => each.commandId === commandId);
    if (question?.error?.code !== "stream_active") return this.#client.resend(commandId);
    this.discard(commandId); // the same again would be refused again; now it waits for its turn
    this.send(question.message.parts as unknown as Content);
  }

  discard(commandId: string): void {
    this.#asking.discard(commandId);
  }

  /**
   * Ask a question differently: another version of it, with an answer of its own.
   *
   * @throws CommandRefused with the reason; then nothing has changed.
   */
  edit(id: string, parts: Content, model?: string): Promise<void> {
    return this.#asking.edit(id, parts, model);
  }

  /** Write another version of an answer: `retry` one that was not completed, `regenerate` one that was. */
  rewrite(id: string, verb: "retry" | "regenerate", model?: string): Promise<void> {
    return this.#asking.rewrite(id, verb, model);
  }


  /** Show another version, with what was shown below it, on every device. */
  async select(messageId: string): Promise<void> {
    await this.#client.select(this.chatId, messageId);
    await this.load();
  }

  // Stopping.

  get #target(): StopTarget | null {
    return stopTarget({
      chatId: this.chatId,
      path: this.#branch.path,
      own: this.#asking.own.all,
      rewrites: this.#asking.rewrites,
      activeStreamId: this.#client.dashboardChat(this.chatId)?.activeStreamId,
    });
  }

  /** Stop what is under way. Throws what the server says against it. */
  async stop(): Promise<void> {
    const target = this.#target;
    if (!target || this.#stopping.has(target.key)) return;
    this.#stopping.add(target.key);
    this.changed();
    try {
      await this.#client.stop(target.which);
    } catch (failure) {
      this.#stopping.delete(target.key);
      this.changed();
      throw failure;
    }
  }

  // What the server tells.

  /** The sidebar's row of this chat has changed. */
  rowChanged(): void {
    if (this.#view && this.#view.isBusy !== (this.#target !== null)) this.changed();
  }

  remove(): void {
    this.#branch.clear();
    this.#become("missing");
  }

  /** An event about this chat, from whatever tab. */
  event({ name, data, sourceClientId }: EventFrame): void {
    if (name === "chat.deleted") return this.remove();
    if (name === "message.created") return this.#question(data.message as unknown as Message, data.parentId as string);
    if (name === "stream.started") {
      const [streamId, messageId] = [data.streamId as string, data.messageId as string];
      const isOwn = sourceClientId === this.#client.clientId;
      if (!isOwn) this.#join(streamId, messageId, "elsewhere");
      else this.#asking.hear(streamId, messageId);
    }
    if (CHANGING.has(name) && this.#isElsewhere((data.chat as { leafId?: string }).leafId)) this.#unclear();
  }

  /** Whether another branch is shown on the other devices than here. */
  #isElsewhere(leafId: string | undefined): boolean {
    const isAsking = this.#asking.own.isSending || this.#asking.rewrites.length > 0;
    return leafId !== undefined && !isAsking && leafId !== this.#branch.leafId;
  }

  /** What was never read is read once it is shown. */
  #unclear(): void {
    if (this.#state !== "new") void this.load();
  }

  #question(message: Message, parentId: string | undefined): void {
    if (this.#state === "new") return;
    this.#touched();
    this.#branch.question(message, parentId ?? null);
  }

  #join(streamId: string, messageId: string, origin: Origin): void {
    if (this.#state === "new") return;
    this.#touched();
    this.#branch.join(streamId, messageId, origin);
  }
}
