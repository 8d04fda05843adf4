/** Asks in one chat: questions, the same differently, answers once more; and what comes of it, up to the ack. */

import type { Answer, Client, FieldsOf, FilePart, JsonObject, Message, Outgoing, TextPart } from "@tidewire/client";
import { Begun } from "./begun";
import type { Branch } from "./branch";
import { Own } from "./own";
import { errorOf, Rewriting } from "./rewriting";
import type { Stopping } from "./stopping";

/** The parts of a question. */
export type Content = readonly (TextPart | FilePart)[];

/** How an answer is wanted. */
export interface Wanted {
  readonly model?: string | undefined;
  /** The project of a new chat. */
  readonly projectId?: string | undefined;
}

export interface Listener {
  changed(): void;
  /** Something is stored in the chat that a read under way may not know. */
  touched(): void;
  /** Only the server knows where it belongs. */
  unclear(): void;
  /** An answer of ours has begun that is not followed yet. */
  begun(streamId: string, messageId: string): void;
}

export class Asking {
  readonly rewriting = new Rewriting();
  readonly own: Own;
  readonly #chatId: string;
  readonly #client: Client;
  readonly #branch: Branch;
  readonly #stopping: Stopping;
  readonly #listener: Listener;
  readonly #begun = new Begun();
  readonly #edits = new Set<string>();

  constructor(chatId: string, client: Client, branch: Branch, stopping: Stopping, listener: Listener) {
    this.#chatId = chatId;
    this.#client = client;
    this.#branch = branch;
    this.#stopping = stopping;
    this.#listener = listener;
    this.own = new Own(chatId, client, (gone) => {
      for (const question of gone) this.#accepted(question);
      listener.changed();
    });
  }

  /** The commands without an ack that ask for another version. */
  get rewrites(): readonly string[] {
    return [...this.#edits, ...this.rewriting.commands];
  }

  /** An event says that an answer of this client has begun; its ack may say so too. */
  hear(streamId: string, messageId: string): void {
    if (this.#begun.hear(streamId, messageId)) this.#listener.begun(streamId, messageId);
  }

  /**
   * Ask a question.
   *
   * @param how `first`: nothing is being answered; `instead` of what is being stopped; `ahead`: it waits for its turn.
   */
  send(parts: Content, how: "first" | "instead" | "ahead", { model, projectId }: Wanted = {}): void {
    const id = this.#client.newId();
    const fields = {
      id,
      chatId: this.#chatId,
      message: { id: this.#client.newId(), role: "user" as const, parts: asWire(parts) },
      ...(model ? { model } : {}),
      ...(projectId ? { projectId } : {}),
      ...(how === "instead" ? { ifActive: "stop" as const } : {}),
    };
    this.own.mark(id, how === "ahead" ? "ahead" : "question");
    const asked = how === "ahead" ? this.#ahead(fields) : this.#client.generate("message.send", fields);
    // A refused question stands in the outbox, with its reason.
    void asked.catch(() => {}).finally(this.#begun.await((heard) => this.#heard(heard)));
  }

  /** A question that waits is not followed from here: its turn comes as an event, as in every other tab. */
  async #ahead(fields: FieldsOf<"message.send">): Promise<void> {
    const asked = { ...fields, ifActive: "queue" as const, subscribe: false };
    const { streamId, messageId, status } = await this.#client.command("message.send", asked);
    if (status === "queued") return;
    this.#branch.asked(fields.message as unknown as Message); // its turn has come at once
    this.#listener.begun(streamId, messageId);
  }

  discard(commandId: string): void {
    this.own.discard(commandId);
    this.#listener.changed();
  }

  /** Another version of a question. Throws why it was refused; then nothing has changed. */
  async edit(id: string, parts: Content, model?: string): Promise<void> {
    const commandId = this.#client.newId();
    this.own.mark(commandId, "edit");
    this.#edits.add(commandId);
    const settled = this.#begun.await((heard) => this.#heard(heard));
    try {
      const wish = { commandId, ...(model ? { model } : {}) };
      const answer = await this.#client.edit(this.#chatId, id, asWire(parts), wish);
      const questionId = answer.place?.userMessageId ?? "";
      this.#branch.edited(id, { id: questionId, role: "user", parts });
      this.#adopt(answer, questionId, commandId);
    } catch (failure) {
      this.own.discard(commandId); // its words are still in the editor
      throw failure;
    } finally {
      this.#edits.delete(commandId);
      settled();
      this.#listener.changed();
    }
  }

  /** Another version of an answer. */
  async rewrite(id: string, verb: "retry" | "regenerate", model?: string): Promise<void> {
    if (this.rewriting.isUnderWay(id)) return;
    const commandId = this.#client.newId();
    this.rewriting.begin(id, commandId);
    const settled = this.#begun.await((heard) => this.#heard(heard));
    this.#listener.changed();
    try {
      const answer = await this.#client[verb](this.#chatId, id, { commandId, ...(model ? { model } : {}) });
      this.rewriting.done(id);
      this.#adopt(answer, this.#branch.parentOf(id), commandId);
    } catch (failure) {
      this.rewriting.failed(id, errorOf(failure));
    }
    settled();
    this.#listener.changed();
  }

  /** No ack is awaited any more: what was heard of and is not shown came without one. */
  #heard(heard: ReadonlyMap<string, string>): void {
    const running = this.#client.dashboardChat(this.#chatId)?.activeStreamId;
    for (const [streamId, messageId] of heard) {
      if (this.#branch.has(messageId)) continue;
      if (streamId === running) this.#listener.begun(streamId, messageId);
      else this.#listener.unclear();
    }
  }

  /** A question has left the outbox: a server has it. */
  #accepted({ commandId, message }: Outgoing): void {
    const kind = this.own.kind(commandId);
    this.own.forget(commandId);
    if (kind === "ahead" || kind === "edit") return; // who asked sees to them
    const answer = this.#client.answerIn(this.#chatId);
    const isAnswered = answer?.place?.userMessageId === message.id;
    if (isAnswered) {
      this.#branch.asked(message as unknown as Message);
      this.#adopt(answer, message.id, commandId);
    }
    if (kind === undefined || !isAnswered) this.#listener.unclear(); // asked before a reload: it may be an edit
  }

  #adopt(answer: Answer, questionId: string | null, commandId: string): void {
    this.#stopping.named(commandId, answer.streamId);
    this.#listener.touched();
    this.#branch.adopt(answer, answer.place?.messageId ?? "", questionId);
  }
}

const asWire = (parts: Content): JsonObject[] => parts as unknown as JsonObject[];
