/**
 * The streams a client follows: a position each, and the state of its subscription on the current socket.
 *
 * A position belongs to the stream, so it survives every socket. A chunk is applied only when it starts exactly where
 * the last one ended; everything else is dropped or asked for again (PROTOCOL section 5, client subscription).
 */

import type { StreamChunkFrame, StreamEndFrame, StreamPosition } from "../frames.js";
import { advance, SUBSCRIPTION, type SubscriptionState } from "../lifecycle.js";
import { followChunks, type Step } from "../positions.js";

/** How far one stream was followed. */
export class Subscription {
  readonly streamId: string;
  /** Number of the last chunk that was applied. */
  last: number;
  state: SubscriptionState = "idle";
  /** Id of the `stream.subscribe` whose ack is the barrier; null when another frame was it. */
  askedBy: string | null = null;

  constructor(streamId: string, after: number) {
    this.streamId = streamId;
    this.last = after;
  }

  to(event: "subscribe" | "ack" | "refused" | "drop" | "gap" | "end"): void {
    this.state = advance(SUBSCRIPTION, this.state, event);
  }

  /** Note that a `stream.subscribe` leaves; until its ack every chunk is of an older subscription. */
  ask(commandId: string): void {
    this.to("subscribe");
    this.askedBy = commandId;
  }

  /** The barrier was passed: the next chunk starts after `last`. */
  confirm(): void {
    if (this.state === "idle") this.to("subscribe");
    if (this.state === "subscribing") this.to("ack");
    this.askedBy = null;
  }

  /** The socket is gone; the position stays. */
  drop(): void {
    if (this.state !== "idle") this.to("drop");
    this.askedBy = null;
  }
}

/** The subscriptions of one client by stream id. A stream that ended or was lost is forgotten. */
export class Streams {
  readonly #all = new Map<string, Subscription>();

  has(streamId: string): boolean {
    return this.#all.has(streamId);
  }

  get(streamId: string): Subscription | undefined {
    return this.#all.get(streamId);
  }

  all(): readonly Subscription[] {
    return [...this.#all.values()];
  }

  /** Follow a stream; one that is followed already keeps its position. */
  follow(streamId: string, after: number): Subscription {
    const found = this.#all.get(streamId) ?? new Subscription(streamId, after);
    this.#all.set(streamId, found);
    return found;
  }

  forget(streamId: string): void {
    this.#all.delete(streamId);
  }

  /** Decide on chunks, and move the position when they are to be applied. */
  chunk(frame: StreamChunkFrame): Step {
    const found = this.#live(frame.streamId);
    if (!found) return "drop";
    const step = followChunks(found.last, frame.prev, frame.seq);
    if (step === "apply") found.last = frame.seq;
    return step;
  }

  /** Decide on the end of a stream, and forget it when it is to be applied. */
  end(frame: StreamEndFrame): Step {
    const found = this.#live(frame.streamId);
    if (!found) return "drop";
    if (frame.seq !== found.last) return "gap";
    found.to("end");
    this.forget(frame.streamId);
    return "apply";
  }

  /** What to resume, for `hello`, at most so many. */
  positions(most: number): readonly StreamPosition[] {
    return this.all()
      .slice(0, most)
      .map(({ streamId, last }) => ({ streamId, after: last }));
  }

  /** The socket is gone; every position stays. */
  drop(): void {
    for (const each of this.#all.values()) each.drop();
  }

  #live(streamId: string): Subscription | undefined {
    const found = this.#all.get(streamId);
    return found?.state === "live" ? found : undefined;
  }
}
