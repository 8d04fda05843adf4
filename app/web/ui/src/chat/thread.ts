/** One chat: its stored messages, the questions under way, and the answers being written. A store, without React. */

import type { Answer, ChatPage, Client, ErrorObject, EventFrame, Finished, JsonObject, Message, Outgoing } from "@tidewire/client";
import { CommandRefused, Watched } from "@tidewire/client";
import { CALM_MS } from "../timing";
import type { ThreadMessage } from "./message";
import { above, extended, merged, type Path, placed, put, stepOf, withVersions } from "./path";
import { Shown } from "./shown";

/** What a chat shows; replaced as a whole whenever something in it changes, but not for the words of an answer. */
export interface ThreadView {
  /** `new` before anything was asked of the server. */
  readonly state: "new" | "loading" | "loaded" | "missing" | "failed";
  /** Why it could not be read. */
  readonly problem: string | null;
  readonly messages: readonly ThreadMessage[];
  readonly hasEarlier: boolean;
  /** Whether something is being answered here, be it on a branch that is not shown. */
  readonly isBusy: boolean;
  readonly isStopping: boolean;
}

type Question = Extract<Message["parts"][number], { type: "text" | "file" }>;

export class Thread extends Watched<ThreadView> {
  readonly chatId: string;
  readonly #client: Client;
  readonly #shown = new Shown();
  #state: ThreadView["state"] = "new";
  #problem: string | null = null;
  #path: Path = [];
  #cursor: string | null = null;
  /** Questions of this tab whose ack has not come, or that were refused; as the outbox last had them. */
  #own: readonly Outgoing[] = [];
  #view: ThreadView | null = null;
  #readsAgain = false;
  /** Commands that ask for a place in the queue, and the streams that have one. */
  readonly #queueing = new Set<string>();
  readonly #waiting = new Set<string>();
  /** Edits under way: their words stand in the editor. */
  readonly #editing = new Set<string>();
  /** Streams and commands that were told to stop. */
  readonly #stopping = new Set<string>();
  readonly #rewriting = new Map<string, ErrorObject | null>();

  constructor(chatId: string, client: Client) {
    super(() => this.view);
    this.chatId = chatId;
    this.#client = client;
    client.outbox.subscribe(() => this.#outboxChanged());
    this.#outboxChanged();
  }

  get view(): ThreadView {
    this.#view ??= {
      state: this.#state,
      problem: this.#problem,
      messages: this.#messages(),
      hasEarlier: this.#cursor !== null,
      isBusy: this.#isBusy,
      isStopping: this.#target !== null && this.#stopping.has(this.#target.key),
    };
    return this.#view;
  }

  #messages(): readonly ThreadMessage[] {
    const own = this.#own.filter(({ commandId }) => !this.#editing.has(commandId));
    return this.#shown.messages(this.#path, own, this.#stopping, this.#rewriting);
  }

  override changed(): void {
    this.#view = null;
    super.changed();
  }

  // Reading.

  /** Read the chat; again when something changed meanwhile, so that the last word is the server's. */
  async load(): Promise<void> {
    if (this.#state === "loading") return void (this.#readsAgain = true);
    this.#become("loading");
    do {
      this.#readsAgain = false;
      await this.#read();
    } while (this.#readsAgain);
  }

  async #read(): Promise<void> {
    try {
      this.#take(await this.#client.chat(this.chatId));
      this.#become("loaded");
    } catch (failure) {
      const isMissing = failure instanceof CommandRefused && failure.error.code === "not_found";
      this.#become(isMissing ? "missing" : "failed", (failure as Error).message);
    }
  }

  #take({ chat, messages, activeStream, nextCursor }: ChatPage): void {
    this.#path = merged(this.#path, messages);
    this.#cursor = nextCursor ?? null;
    if (activeStream && activeStream.messageId === chat.leafId) this.#join(activeStream.streamId, activeStream.messageId);
  }

  async earlier(): Promise<void> {
    if (this.#cursor === null) return;
    const { messages, nextCursor } = await this.#client.chat(this.chatId, { before: this.#cursor });
    this.#path = extended(this.#path, messages);
    this.#cursor = nextCursor ?? null;
    this.changed();
  }

  #become(state: ThreadView["state"], problem: string | null = null): void {
    this.#state = state;
    this.#problem = problem;
    this.changed();
  }

  // Asking.

  /** Ask a question. It is shown at once; where an answer is being written already, it waits for its turn. */
  send(parts: readonly Question[], wish: { model?: string; projectId?: string } = {}): void {
    if (this.#state === "missing" || this.#state === "new") this.#state = "loaded"; // the question creates the chat
    const id = this.#client.newId();
    const message = { id: this.#client.newId(), role: "user" as const, parts: parts as unknown as JsonObject[] };
    const ifActive = this.view.isStopping ? ("stop" as const) : this.#isBusy ? ("queue" as const) : undefined;
    const fields = { id, chatId: this.chatId, message, ...wish, ...(ifActive ? { ifActive } : {}) };
    if (ifActive === "queue") void this.#queue(id, fields);
    else void this.#client.generate("message.send", fields).catch(inOutbox);
  }

  /** A question that waits is not followed from here: its turn comes as an event, as in every other tab. */
  async #queue(id: string, fields: Parameters<Client["command"]>[1] & object): Promise<void> {
    this.#queueing.add(id);
    try {
      const result = await this.#client.command("message.send", { ...fields, subscribe: false } as never);
      const { streamId, messageId, status } = result as { streamId: string; messageId: string; status: string };
      if (status === "queued") this.#waiting.add(streamId);
      else this.#join(streamId, messageId);
    } catch (failure) {
      inOutbox(failure);
    }
    this.#queueing.delete(id);
  }

  /** Send a refused question again. */
  resend(commandId: string): void {
    this.#client.resend(commandId);
  }

  discard(commandId: string): void {
    this.#own = this.#own.filter((question) => question.commandId !== commandId);
    this.#client.discard(commandId);
    this.changed();
  }

  /**
   * Ask a question differently: another version of it, with an answer of its own.
   *
   * @throws CommandRefused with the reason; then nothing has changed.
   */
  async edit(id: string, parts: readonly Question[], model?: string): Promise<void> {
    const commandId = this.#client.newId();
    this.#editing.add(commandId);
    try {
      const wish = { commandId, ...(model ? { model } : {}) };
      const answer = await this.#client.edit(this.chatId, id, parts as unknown as JsonObject[], wish);
      const questionId = answer.place?.userMessageId ?? "";
      if (!stepOf(this.#path, questionId)) {
        const question: Message = { id: questionId, role: "user", parts };
        this.#path = [...above(this.#path, id), { message: question, answer: null }];
      }
      this.#adopt(answer, questionId);
    } catch (failure) {
      this.#client.discard(commandId); // its words are still in the editor
      throw failure;
    } finally {
      this.#editing.delete(commandId);
      this.changed();
    }
  }

  /** Write another version of an answer: `retry` one that was not completed, `regenerate` one that was. */
  async rewrite(id: string, verb: "retry" | "regenerate", model?: string): Promise<void> {
    if (this.#rewriting.get(id) === null) return;
    this.#rewriting.set(id, null);
    this.changed();
    try {
      const answer = await this.#client[verb](this.chatId, id, model ? { model } : {});
      const question = above(this.#path, id).at(-1)?.message.id;
      this.#rewriting.delete(id);
      this.#adopt(answer, question ?? null);
    } catch (failure) {
      this.#rewriting.set(id, errorOf(failure));
    }
    this.changed();
  }

  /** Show another version, with what was shown below it, on every device. */
  async select(messageId: string): Promise<void> {
    await this.#client.select(this.chatId, messageId);
    await this.load();
  }

  // Stopping.

  /** What a stop is about: the answer being written, or the question whose answer has no name yet. */
  get #target(): { readonly key: string; readonly which: Parameters<Client["stop"]>[0] } | null {
    const answer = this.#path.findLast((step) => step.answer && !step.answer.isOver)?.answer;
    if (answer) return { key: answer.streamId, which: { streamId: answer.streamId } };
    const commandId = this.#own.findLast(({ state }) => state !== "refused")?.commandId;
    if (commandId) return { key: commandId, which: { commandId } };
    return this.#activeStreamId ? { key: this.#activeStreamId, which: { chatId: this.chatId } } : null;
  }

  get #activeStreamId(): string | undefined {
    return this.#client.dashboardChat(this.chatId)?.activeStreamId;
  }

  get #isBusy(): boolean {
    return this.#target !== null;
  }

  /** Stop the answer in flight. Throws what the server says against it. */
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
    if (this.#view && this.#view.isBusy !== this.#isBusy) this.changed();
  }

  remove(): void {
    this.#path = [];
    this.#become("missing");
  }

  /** An event about this chat, from whatever tab. */
  event({ name, data, sourceClientId }: EventFrame): void {
    const isOwn = sourceClientId === this.#client.clientId;
    if (name === "chat.deleted") return this.remove();
    if (name === "message.created") return this.#question(data.message as unknown as Message, data.parentId as string);
    if (name === "stream.started") {
      const streamId = data.streamId as string;
      // Of our own, the ack says it all; but of one that waited, only this does.
      if (this.#waiting.delete(streamId) || !isOwn) this.#join(streamId, data.messageId as string);
    } else if (isOwn) return;
    else if (name === "stream.ended") {
      if (!stepOf(this.#path, data.messageId as string)) void this.load();
    } else if (name === "chat.updated" && this.#isElsewhere((data.chat as { leafId?: string }).leafId)) void this.load();
  }

  /** Whether another branch is shown on the other devices than here. */
  #isElsewhere(leafId: string | undefined): boolean {
    const isSending = this.#own.some(({ state }) => state !== "refused");
    return leafId !== undefined && !isSending && leafId !== this.#path.at(-1)?.message.id;
  }

  #question(message: Message, parentId: string | undefined): void {
    if (this.#state === "loading") this.#readsAgain = true;
    if (this.#state !== "loaded") return;
    const known = stepOf(this.#path, message.id);
    if (known) this.#path = put(this.#path, { ...known, message });
    else {
      const path = placed(this.#path, { message, answer: null }, parentId ?? null);
      if (path === null) return void this.load();
      this.#path = path;
    }
    this.changed();
  }

  // Answers.

  #join(streamId: string, messageId: string): void {
    if (this.#state === "loading") this.#readsAgain = true;
    const known = this.#path.find(({ answer }) => answer?.streamId === streamId);
    if (known) return;
    const followed = this.#client.answerIn(this.chatId);
    const answer = followed?.streamId === streamId ? followed : this.#client.follow(streamId);
    if (answer.place === null) answer.at({ chatId: this.chatId, messageId });
    this.#adopt(answer, null);
  }

  /** Show an answer below its question (null: where it was, or at the end) until it is over. */
  #adopt(answer: Answer, questionId: string | null): void {
    if (this.#state === "loading") this.#readsAgain = true;
    else this.#state = "loaded"; // reads overtake a question: the chat may have been missing
    const messageId = answer.place?.messageId ?? "";
    const known = stepOf(this.#path, messageId);
    if (known?.answer === answer) return;
    const message = known?.message ?? { id: messageId, role: "assistant", parts: [], metadata: {} };
    const step = { message, answer };
    const below = questionId === null || known ? null : placed(this.#path, step, questionId);
    this.#path = below ?? put(this.#path, step);
    this.#follow(answer, messageId);
    this.changed();
  }

  #follow(answer: Answer, messageId: string): void {
    let status = answer.status;
    const leave = answer.subscribe(() => {
      if (status === answer.status && !answer.isOver) return; // its words are the message's own affair
      status = answer.status;
      this.changed();
    });
    this.#rooted(answer, messageId);
    const lost = () => setTimeout(() => void this.load(), CALM_MS);
    void answer.finished().then((finished) => this.#finished(messageId, finished), lost).finally(() => {
      leave();
      this.#stopping.delete(answer.streamId);
      this.#drop(messageId, answer);
      this.changed();
    });
  }

  /** The first chunk says which question is answered: what hung there before is another branch now. */
  #rooted(answer: Answer, messageId: string): void {
    let isRooted = false;
    let leave = () => {};
    leave = answer.read({
      chunks: ([first]) => {
        if (isRooted || !first) return;
        isRooted = true;
        leave();
        const { parentId } = ((first as JsonObject).messageMetadata ?? {}) as { parentId?: string };
        this.#root(messageId, parentId);
      },
      end: () => {},
    });
    if (isRooted) leave();
  }

  #root(messageId: string, parentId: string | undefined): void {
    const step = stepOf(this.#path, messageId);
    if (!step || parentId === undefined) return;
    const path = placed(this.#path, step, parentId);
    if (path === null) return void this.load();
    if (path.length === this.#path.length) return;
    this.#path = path;
    this.changed();
  }

  #finished(messageId: string, { message, status, error, finishReason }: Finished): void {
    const known = stepOf(this.#path, messageId);
    if (!known) return;
    const metadata = { ...message.metadata, status, ...(error ? { error } : {}), ...(finishReason ? { finishReason } : {}) };
    const whole = withVersions({ ...message, id: messageId, metadata }, known.message.metadata?.versions);
    this.#path = put(this.#path, { message: whole, answer: null });
  }

  #drop(messageId: string, answer: Answer): void {
    const known = stepOf(this.#path, messageId);
    if (known?.answer === answer) this.#path = put(this.#path, { message: known.message, answer: null });
  }

  // The outbox.

  /** Questions that left the outbox were accepted (their answer is followed by now), or wait in the queue. */
  #outboxChanged(): void {
    const own = this.#client.outbox.getSnapshot().filter(({ chatId }) => chatId === this.chatId);
    if (own.length === this.#own.length && own.every((question, at) => isSame(question, this.#own[at]))) return;
    const gone = this.#own.filter(({ commandId }) => !own.some((question) => question.commandId === commandId));
    this.#own = own;
    for (const question of gone) this.#accepted(question);
    this.changed();
  }

  #accepted({ commandId, message }: Outgoing): void {
    const isStopping = this.#stopping.delete(commandId);
    if (this.#queueing.has(commandId) || this.#editing.has(commandId)) return;
    const answer = this.#client.answerIn(this.chatId);
    if (answer?.place?.userMessageId !== message.id) return void this.load();
    if (isStopping) this.#stopping.add(answer.streamId);
    const question = { message: message as unknown as Message, answer: null };
    if (!stepOf(this.#path, message.id)) this.#path = put(this.#path, question);
    this.#adopt(answer, message.id);
  }
}

const isSame = (one: Outgoing, other: Outgoing | undefined): boolean =>
  one.commandId === other?.commandId && one.state === other.state && one.error === other.error;

const errorOf = (failure: unknown): ErrorObject =>
  failure instanceof CommandRefused
    ? failure.error
    : { code: "internal", message: (failure as Error).message, retryable: true };

/** A refused question stands in the outbox, with its reason. */
function inOutbox(failure: unknown): void {
  if (!(failure instanceof Error)) throw failure;
}
