/** How long to wait before the next socket: full jitter, so that a thousand tabs do not come back as one. */

const CAP = 20_000;
const BASE = 500;
// A server that greets and hangs up at once must not be asked twice a second for ever.
const STEADY = 10_000;

/** Counts failures in a row; all times in milliseconds. */
export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  /** @param random a number in [0, 1) each time it is called. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** What to wait now: `rand(0, min(20 s, 0.5 s * 2^n))` after `n` failures in a row, never less than asked. */
  next(atLeast = 0): number {
    const window = Math.min(CAP, BASE * 2 ** this.#failures);
    this.#failures += 1;
    return Math.max(atLeast, this.#random() * window);
  }

  /** Note how long a connection was ready before it was lost: one that lasted starts the count anew. */
  lasted(ms: number): void {
    if (ms >= STEADY) this.#failures = 0;
  }
}
