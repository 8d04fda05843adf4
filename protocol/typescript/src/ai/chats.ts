/**
 * One `Chat` per chat id, outside of React: an answer is written on while another chat is shown, and answers that other
 * tabs and devices ask for appear by themselves.
 */

import type { ChatStatus, UIMessage } from "ai";
import type { EventFrame } from "../frames.js";
import type { Client } from "../sdk/client.js";
import { CommandRefused } from "../sdk/errors.js";
import { TidewireChatTransport } from "./transport.js";

/** A `Chat` of any framework, as far as it is used here. */
export interface ChatLike {
  messages: UIMessage[];
  readonly status: ChatStatus;
  resumeStream(): Promise<void>;
}

export class Chats<C extends ChatLike> {
  /** What a `Chat` is made with; its `stopChat` stops an answer. */
  readonly transport: TidewireChatTransport;
  readonly #client: Client;
  readonly #create: (chatId: string, transport: TidewireChatTransport) => C;
  readonly #chats = new Map<string, C>();
  readonly #leave: () => void;

  /** @param create as `(id, transport) => new Chat({ id, transport })`. */
  constructor(client: Client, create: (chatId: string, transport: TidewireChatTransport) => C) {
    this.#client = client;
    this.#create = create;
    this.transport = new TidewireChatTransport(client);
    this.#leave = client.onEvent((event) => this.#event(event));
  }

  /** The chat of this id; made when it is asked for first. */
  get(chatId: string): C {
    const chat = this.#chats.get(chatId) ?? this.#create(chatId, this.transport);
    this.#chats.set(chatId, chat);
    return chat;
  }

  /** Read the history of a chat into it, and follow what is being written there. A new chat is left as it is. */
  async load(chatId: string): Promise<C> {
    const chat = this.get(chatId);
    try {
      const { messages } = await this.#client.chat(chatId, { limit: 200 });
      if (isIdle(chat)) {
        chat.messages = messages as unknown as UIMessage[]; // the wire's messages are `ai`'s
        void chat.resumeStream(); // not awaited: that would take until the answer's end
      }
    } catch (failure) {
      if (!(failure instanceof CommandRefused && failure.error.code === "not_found")) throw failure;
    }
    return chat;
  }

  /** Hear of other tabs no more; what is being written goes on. */
  close(): void {
    this.#leave();
  }

  /** What others did: a question at the end is added, anything else is read anew; an answer that starts is followed. */
  #event({ name, data, sourceClientId }: EventFrame): void {
    const chat = this.#chats.get(String(data.chatId));
    if (!chat || sourceClientId === this.#client.clientId) return;
    if (name === "message.created") this.#question(chat, data);
    else if (name === "stream.started" && isIdle(chat)) this.#started(chat, String(data.chatId));
  }

  /** An answer below an answer is another version of it: only the history knows what is shown above it now. */
  #started(chat: C, chatId: string): void {
    if (chat.messages.at(-1)?.role === "assistant") void this.load(chatId).catch(() => {});
    else void chat.resumeStream();
  }

  #question(chat: C, { chatId, message, parentId }: EventFrame["data"]): void {
    if (chat.messages.at(-1)?.id === (parentId ?? undefined)) {
      chat.messages = [...chat.messages, message as UIMessage];
    } else void this.load(String(chatId)).catch(() => {});
  }
}

const isIdle = ({ status }: ChatLike): boolean => status === "ready" || status === "error";
