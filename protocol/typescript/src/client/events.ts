/**
 * The client's place in its user's event log (PROTOCOL section 5, client event log).
 *
 * Four states. `unknown`: no position yet. `live`: every event follows the last. `resuming`: a gap was seen, and events
 * are dropped until the ack of `events.resume`. `reading`: the position was lost and a snapshot is on its way.
 */

import type { EventPosition } from "../frames.js";
import { followEvents, type Step } from "../positions.js";

export class EventLog {
  state: "unknown" | "live" | "resuming" | "reading" = "unknown";
  epoch: string | null = null;
  /** Number of the last event that was applied. */
  last = 0;
  #dropped = 0;

  /** What to resume from, for `hello` and `events.resume`; null when only a snapshot helps. */
  get position(): EventPosition | null {
    return this.epoch === null ? null : { epoch: this.epoch, offset: this.last };
  }

  /** Decide on an event, and move the position when it is to be applied. */
  event(offset: number): Step {
    if (this.state !== "live") {
      this.#dropped = Math.max(this.#dropped, offset);
      return "drop";
    }
    const step = followEvents(this.last, offset);
    if (step === "apply") this.last = offset;
    else if (step === "gap") this.state = "resuming";
    return step;
  }

  /** Every event after the position follows, in order. */
  recovered(): void {
    this.state = "live";
  }

  /**
   * Start at a position that the server named; returns whether events after it were already dropped.
   *
   * An event may arrive between the reading of a snapshot and its ack. It was dropped here and will not come by itself
   * again, so the caller resumes from the position at once instead of waiting for the next event to show the gap.
   */
  adopt(epoch: string, offset: number): boolean {
    const missed = this.state === "reading" && this.#dropped > offset;
    this.epoch = epoch;
    this.last = offset;
    this.#dropped = 0;
    this.state = missed ? "resuming" : "live";
    return missed;
  }

  /** The position is worth nothing any more; a snapshot is on its way. */
  forget(): void {
    this.epoch = null;
    this.last = this.#dropped = 0;
    this.state = "reading";
  }
}
