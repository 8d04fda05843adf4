/** An answer that is being written, as the application holds it. */

import type { ErrorObject, StreamChunkFrame, StreamEndFrame, StreamStatusFrame, Usage } from "../frames.js";
import type { StreamStatus } from "../lifecycle.js";
import { asChunks, type Chunk } from "../parts/chunks.js";
import { append } from "../parts/coalesce.js";
import { Fold } from "../parts/fold.js";
import { type Message, textOf } from "../parts/message.js";
import { type Store, Watched } from "./store.js";

/** How an answer stands. */
export interface AnswerView {
  readonly status: StreamStatus;
  /** The status in words for people ("Thinking"), when the server gave any. */
  readonly label: string | null;
  /** The message as far as it is written. */
  readonly message: Message;
}

/** How an answer ended: `completed`, `stopped`, `failed` or `interrupted`. */
export interface Finished {
  readonly status: StreamStatus;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  /** What went wrong, for `failed` and `interrupted`. */
  readonly error: ErrorObject | null;
  /** The whole message, equal to the one in the history. */
  readonly message: Message;
  readonly text: string;
}

/** Somebody who wants every chunk. */
export interface Reader {
  /** The next chunks, neighbouring deltas merged; the first call brings everything there is already. */
  chunks(chunks: readonly Chunk[]): void;
  /** No more will come: the answer ended, or it cannot be followed any further. */
  end(failure: Error | null): void;
}

/** Where an answer is written. */
export interface Place {
  readonly chatId: string;
  readonly messageId: string;
  readonly userMessageId?: string;
}

/**
 * One generation. Watch it as a store, read its chunks, or wait for it with `finished`.
 *
 * It goes on by itself over lost sockets and restarted servers.
 */
export class Answer implements Store<AnswerView> {
  readonly streamId: string;
  /** Stop the answer and keep what there is; resolves with `stopping`, or how it had ended already. */
  readonly stop: () => Promise<StreamStatus>;
  readonly subscribe: Store<AnswerView>["subscribe"];
  readonly getSnapshot: Store<AnswerView>["getSnapshot"];
  #place: Place | null = null;
  #status: StreamStatus = "queued";
  #label: string | null = null;
  #view: AnswerView | null = null;
  #end: StreamEndFrame | null = null;
  #failure: Error | null = null;
  #fold: Fold | null = null;
  readonly #log: Chunk[] = [];
  readonly #readers = new Set<Reader>();
  readonly #watched = new Watched<AnswerView>(() => this.view);

  constructor(streamId: string, stop: (streamId: string) => Promise<StreamStatus>) {
    this.streamId = streamId;
    this.stop = () => stop(streamId);
    this.subscribe = this.#watched.subscribe;
    this.getSnapshot = this.#watched.getSnapshot;
  }

  /** Where it is written; null until the server has said so (an answer that was joined only). */
  get place(): Place | null {
    return this.#place;
  }

  get status(): StreamStatus {
    return this.#status;
  }

  get isOver(): boolean {
    return this.#end !== null || this.#failure !== null;
  }

  get view(): AnswerView {
    this.#view ??= { status: this.#status, label: this.#label, message: this.#message };
    return this.#view;
  }

  /** Read every chunk from the first on; returns how to stop reading. The answer is written on all the same. */
  read(reader: Reader): () => void {
    if (this.#log.length > 0) reader.chunks([...this.#log]);
    if (this.isOver) reader.end(this.#failure);
    else this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** The text as it grows, from the start: `for await (const piece of answer.text())`. */
  async *text(): AsyncGenerator<string, void, undefined> {
    let pieces: string[] = [];
    let over = false;
    let wake = () => {};
    const leave = this.read({
      chunks: (chunks) => {
        for (const chunk of chunks) if (chunk.type === "text-delta") pieces.push(chunk.delta);
        wake();
      },
      end: () => {
        over = true;
        wake();
      },
    });
    try {
      while (!over || pieces.length > 0) {
        if (pieces.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const piece = pieces.join("");
        pieces = [];
        if (piece) yield piece;
      }
      if (this.#failure) throw this.#failure;
    } finally {
      leave();
    }
  }

  /**
   * Wait for the end, and learn how it ended with the whole message.
   *
   * @throws StreamLost when it cannot be followed any further; ClientClosed when the client was closed before.
   */
  finished(): Promise<Finished> {
    return new Promise((resolve, reject) => {
      const end = (failure: Error | null) => (failure ? reject(failure) : resolve(this.#finished));
      this.read({ chunks: () => {}, end });
    });
  }

  get #finished(): Finished {
    const message = this.#message;
    return {
      status: this.#status,
      finishReason: this.#end?.finishReason ?? null,
      usage: this.#end?.usage ?? null,
      error: this.#end?.error ?? null,
      message,
      text: textOf(message),
    };
  }

  /** The message so far. It is folded only once somebody looks: a page with its own fold reads chunks instead. */
  get #message(): Message {
    this.#fold ??= new Fold().extend(this.#log);
    const { message } = this.#fold;
    return message.id === "" && this.#place ? { ...message, id: this.#place.messageId } : message;
  }

  // What the client tells it.

  at(place: Place, status?: StreamStatus): void {
    this.#place = { ...this.#place, ...place };
    if (status !== undefined && this.#log.length === 0) this.#status = status;
    this.#changed();
  }

  /** Chunks came, exactly the next ones. */
  take({ chunks: given }: StreamChunkFrame): void {
    const chunks = asChunks(given);
    append(this.#log, chunks);
    this.#fold?.extend(chunks);
    if (this.#status === "queued") this.#status = "streaming";
    for (const reader of [...this.#readers]) reader.chunks(chunks);
    this.#changed();
  }

  say({ status, label }: StreamStatusFrame): void {
    this.#status = status;
    this.#label = label;
    this.#changed();
  }

  ended(frame: StreamEndFrame): void {
    this.#place = { ...this.#place, chatId: frame.chatId, messageId: frame.messageId };
    this.#status = frame.status;
    this.#label = null;
    this.#end = frame;
    this.#over();
  }

  /** No more will come, and not because the answer ended. */
  fail(failure: Error): void {
    if (this.isOver) return;
    this.#failure = failure;
    this.#over();
  }

  #over(): void {
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader.end(this.#failure);
    this.#changed();
  }

  #changed(): void {
    this.#view = null;
    this.#watched.changed();
  }
}
