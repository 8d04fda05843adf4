/**
 * How often what grows is drawn: sixty times a second where that costs little, and less often where a draw costs so
 * much that nothing else would get its turn: on a slow phone, or in a chat that is hard to lay out.
 */

/** Measuring costs, too: one draw of so many is enough. */
const MEASURED = 8;
/** How much a new measurement counts against the ones before: a single hitch is no reason to slow down. */
const WEIGHT = 1 / 4;

/** How long to wait from one draw to the next, in milliseconds, and what to draw within. */
export interface Rhythm {
  readonly ms: number;
  draw(what: () => void): void;
}

/** Always the same wait. */
export const every = (ms: number): Rhythm => ({ ms, draw: (what) => what() });

/** Draws, and tells later what that has cost in milliseconds of the tab's thread. */
export type Meter = (what: () => void, tell: (ms: number) => void) => void;

export interface Bounds {
  /** Milliseconds between two draws, however little they cost. */
  readonly leastMs: number;
  /** Milliseconds between two draws, however much they cost. */
  readonly mostMs: number;
  /** How much of the tab's time drawing may take, from 0 to 1. */
  readonly share: number;
}

/** As often as a draw's cost allows. */
export class Pace implements Rhythm {
  readonly #bounds: Bounds;
  readonly #meter: Meter;
  #cost = 0;
  #draws = 0;

  constructor(bounds: Bounds, meter: Meter) {
    this.#bounds = bounds;
    this.#meter = meter;
  }

  get ms(): number {
    const { leastMs, mostMs, share } = this.#bounds;
    return Math.min(mostMs, Math.max(leastMs, this.#cost / share));
  }

  draw(what: () => void): void {
    if (this.#draws++ % MEASURED > 0) return what();
    const { mostMs, share } = this.#bounds;
    this.#meter(what, (ms) => (this.#cost += (Math.min(ms, mostMs * share) - this.#cost) * WEIGHT));
  }
}

/** Measures the drawing itself and the frame that shows it, as far as a page can see that. */
export function frameMeter(): Meter {
  const { port1, port2 } = new MessageChannel();
  let isBusy = false;
  return (what, tell) => {
    if (isBusy) return what(); // a hidden tab shows no frame
    const begun = performance.now();
    what();
    isBusy = true;
    afterMicrotasks(() => {
      const drawn = performance.now() - begun;
      requestAnimationFrame(() => {
        const shows = performance.now();
        port1.onmessage = () => {
          isBusy = false;
          tell(drawn + performance.now() - shows);
        };
        port2.postMessage(null); // a task of its own: the frame is laid out and painted before
      });
    });
  };
}

/** React draws in a microtask that stands already, and what watches the page's nodes follows in another one. */
const afterMicrotasks = (what: () => void): void => queueMicrotask(() => queueMicrotask(what));
