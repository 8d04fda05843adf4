/**
 * The transport for `useChat` of `ai` 7: questions go out as commands, answers come back as their chunks.
 *
 * Aborting (`chat.stop()`, an unmounted page) lets go of an answer; it is written on. Stopping it is a command:
 * `stopChat`. A lost socket is never a failed message: the stream waits and goes on where it stood.
 */

import type { ChatRequestOptions, ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { JsonObject } from "../frames.js";
import type { StreamStatus } from "../lifecycle.js";
import type { Answer } from "../sdk/answer.js";
import type { Client } from "../sdk/client.js";
import type { SendWish } from "../sdk/verbs.js";
import { chunksOf, unlessAborted } from "./stream.js";

/** What `body` of a `sendMessage` or `regenerate` may say. */
export interface RequestBody extends Omit<SendWish, "commandId" | "messageId"> {
  /** Of a `regenerate`: try an answer again that failed, was stopped or was interrupted. */
  readonly retry?: boolean;
}

type SendOptions<M extends UIMessage> = Parameters<ChatTransport<M>["sendMessages"]>[0];

export class TidewireChatTransport<M extends UIMessage = UIMessage> implements ChatTransport<M> {
  /** A resumed stream begins with `start`: `ai` resets the message instead of doubling its text. */
  readonly resumeStreamIsReplay = true;
  readonly #client: Client;
  /** The commands without an ack, by chat: a stop may have to name one. */
  readonly #sending = new Map<string, string>();

  constructor(client: Client) {
    this.#client = client;
  }

  async sendMessages(options: SendOptions<M>): Promise<ReadableStream<UIMessageChunk>> {
    const { chatId, abortSignal } = options;
    const commandId = this.#client.newId();
    this.#sending.set(chatId, commandId);
    const asked = this.#ask(options, commandId).finally(() => {
      if (this.#sending.get(chatId) === commandId) this.#sending.delete(chatId);
    });
    return chunksOf(await unlessAborted(asked, abortSignal), abortSignal);
  }

  async reconnectToStream(
    { chatId, abortSignal }: { chatId: string; abortSignal?: AbortSignal } & ChatRequestOptions,
  ): Promise<ReadableStream<UIMessageChunk> | null> {
    const answer = await unlessAborted(this.#client.join(chatId), abortSignal);
    return answer && chunksOf(answer, abortSignal);
  }

  /** Stop whatever is being written in a chat, for everybody, and keep the text; also right after it was asked for. */
  stopChat(chatId: string): Promise<StreamStatus> {
    const commandId = this.#sending.get(chatId);
    return this.#client.stop(commandId === undefined ? { chatId } : { commandId });
  }

  #ask({ trigger, chatId, messageId, messages, body = {} }: SendOptions<M>, commandId: string): Promise<Answer> {
    const { retry, ...rest } = body as RequestBody; // whoever calls sendMessage writes it
    const wish = { ...rest, commandId };
    if (trigger === "regenerate-message") {
      const answer = messageId;
      return retry ? this.#client.retry(chatId, answer, wish) : this.#client.regenerate(chatId, answer, wish);
    }
    const question = messages.at(-1);
    if (question?.role !== "user") {
      throw new Error("Only questions are sent: answer a tool's approval with `client.approve`.");
    }
    // Parts are `ai`'s own on both sides of the wire.
    const parts = question.parts as unknown as readonly JsonObject[];
    if (messageId !== undefined) return this.#client.edit(chatId, messageId, parts, wish);
    return this.#client.send(chatId, parts, { ...wish, messageId: question.id });
  }
}
