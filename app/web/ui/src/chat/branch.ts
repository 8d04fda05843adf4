/**
 * The shown branch of a chat, as far as it was read, with the answers that grow at its end.
 *
 * Three sources tell of it, in any order: pages of the history, events, and the acks of what was asked here. Each is put
 * where it belongs by what it names; where that cannot be known, the branch is `unclear`, and is read again.
 */

import { type Answer, type ChatPage, type Client, type Finished, isTerminal, type Message } from "@tidewire/client";
import { CALM_MS } from "../timing";
import { follow } from "./following";
import type { Origin } from "./message";
import { above, extended, merged, type Path, placed, put, stepOf, withVersions } from "./path";

export interface Listener {
  changed(): void;
  /** Only the server knows what is shown: read it again. */
  unclear(): void;
  /** An answer is over. */
  ended(streamId: string): void;
}

export class Branch {
  /** By stream, as long as it is followed. */
  readonly origins = new Map<string, Origin>();
  readonly #chatId: string;
  readonly #client: Client;
  readonly #listener: Listener;
  readonly #followed = new WeakSet<Answer>();
  /** Which question an answer belongs to, once it has said so. */
  readonly #roots = new WeakMap<Answer, string>();
  #path: Path = [];
  /** Where the page above begins; null when there is none. */
  #cursor: string | null = null;

  constructor(chatId: string, client: Client, listener: Listener) {
    this.#chatId = chatId;
    this.#client = client;
    this.#listener = listener;
  }

  get path(): Path {
    return this.#path;
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  has(messageId: string): boolean {
    return stepOf(this.#path, messageId) !== undefined;
  }

  get leafId(): string | undefined {
    return this.#path.at(-1)?.message.id;
  }

  // Pages.

  /** The newest page of the history. */
  take({ chat, messages, activeStream, nextCursor }: ChatPage): void {
    this.#path = merged(this.#path, messages);
    this.#cursor = nextCursor ?? null;
    if (activeStream && activeStream.messageId === chat.leafId) {
      this.join(activeStream.streamId, activeStream.messageId, "before");
    }
    this.#listener.changed();
  }

  /** The page above `before`, unless the branch was read anew meanwhile. */
  extend({ messages, nextCursor }: ChatPage, before: string): void {
    if (this.#cursor !== before) return;
    this.#path = extended(this.#path, messages);
    this.#cursor = nextCursor ?? null;
    this.#listener.changed();
  }

  clear(): void {
    this.#path = [];
    this.#cursor = null;
  }

  // Questions.

  /** A question is stored below `parentId`; null: it is the first one. */
  question(message: Message, parentId: string | null): void {
    const known = stepOf(this.#path, message.id);
    const path = known ? put(this.#path, { ...known, message }) : placed(this.#path, { message, answer: null }, parentId);
    this.#path = path ?? this.#path;
    // Where one of our own belongs was only guessed before.
    if (path === null || this.parentOf(message.id) !== parentId) this.#listener.unclear();
    this.#listener.changed();
  }

  /** A question of this tab is stored at the end of the branch. */
  asked(message: Message): void {
    if (!this.has(message.id)) this.#path = put(this.#path, { message, answer: null });
  }

  /** A question is asked differently: another version in place of the old one. */
  edited(id: string, message: Message): void {
    if (!this.has(message.id)) this.#path = [...above(this.#path, id), { message, answer: null }];
  }

  /** The message above another one; null above the first, and when it is not shown. */
  parentOf(id: string): string | null {
    return (this.has(id) && above(this.#path, id).at(-1)?.message.id) || null;
  }

  // Answers.

  /** An answer has begun that did not come with an ack. */
  join(streamId: string, messageId: string, origin: Origin): void {
    if (this.#path.some(({ answer }) => answer?.streamId === streamId)) return;
    const status = stepOf(this.#path, messageId)?.message.metadata?.status;
    if (status && isTerminal(status)) return; // what was read is newer than what tells of it
    const followed = this.#client.answerIn(this.#chatId);
    const answer = followed?.streamId === streamId ? followed : this.#client.follow(streamId);
    if (answer.place === null) answer.at({ chatId: this.#chatId, messageId });
    if (answer !== followed) this.origins.set(streamId, origin);
    this.adopt(answer, messageId, null);
  }

  /** Show an answer below its question (null: where it was, or at the end) until it is over. */
  adopt(answer: Answer, messageId: string, questionId: string | null): void {
    const known = stepOf(this.#path, messageId);
    if (known?.answer === answer) return;
    const message = known?.message ?? { id: messageId, role: "assistant" as const, parts: [], metadata: {} };
    const step = { message, answer };
    const below = questionId === null || known ? null : placed(this.#path, step, questionId);
    this.#path = below ?? put(this.#path, step);
    const root = this.#roots.get(answer);
    if (root !== undefined) this.#root(messageId, root);
    else this.#follow(answer, messageId);
    this.#listener.changed();
  }

  #follow(answer: Answer, messageId: string): void {
    if (this.#followed.has(answer)) return;
    this.#followed.add(answer);
    const over = () => {
      this.origins.delete(answer.streamId);
      this.#listener.ended(answer.streamId);
    };
    follow(answer, {
      changed: () => this.#listener.changed(),
      rooted: (parentId) => {
        this.#roots.set(answer, parentId);
        this.#root(messageId, parentId);
      },
      finished: (end) => {
        over();
        this.#finished(messageId, end);
      },
      lost: () => {
        over();
        setTimeout(() => this.#listener.unclear(), CALM_MS); // lest the two go in circles
      },
    });
  }

  /** What hung below its question is another branch now, unless something newer has come since. */
  #root(messageId: string, parentId: string): void {
    const step = stepOf(this.#path, messageId);
    if (!step && this.#client.dashboardChat(this.#chatId)?.leafId !== messageId) return;
    if (this.parentOf(messageId) === parentId) return;
    const path = step && this.leafId === messageId ? placed(this.#path, step, parentId) : null;
    if (path === null) return this.#listener.unclear();
    this.#path = path;
    this.#listener.changed();
  }

  #finished(messageId: string, { message, status, error, finishReason }: Finished): void {
    const known = stepOf(this.#path, messageId);
    if (known?.answer) {
      const end = { status, ...(error ? { error } : {}), ...(finishReason ? { finishReason } : {}) };
      const metadata = { ...message.metadata, ...end };
      const whole = withVersions({ ...message, id: messageId, metadata }, known.message.metadata?.versions);
      this.#path = put(this.#path, { message: whole, answer: null });
    }
    this.#listener.changed();
  }
}
