/** One socket of a client, as far as its rules go: how far it has come, and when to give it up. */

import { ABNORMAL, CLOSES, NO_CODE } from "../codes.js";
import type { ErrorObject } from "../frames.js";
import { LIMITS } from "../limits.js";

/** How long a `pong` may take that tells whether a socket still works, in milliseconds. */
export const PROBE = 5_000;
// A network that swallows packets answers neither a connect nor a hello; twice the server's own patience.
const CONNECT = 10_000;

export class Link {
  readonly number: number;
  state: "connecting" | "authenticating" | "ready" = "connecting";
  /** When it entered its state. */
  since: number;
  /** When anything last came over it. */
  heard: number;
  helloId = "";
  /** The stream positions of its `hello`. */
  asked: ReadonlyMap<string, number> = new Map();
  /** Milliseconds without a frame after which it is dead; `welcome` may say another number. */
  silence: number = LIMITS.silenceMs;
  /** Our `ping` that is still unanswered, and when we give up on it. */
  probe: { readonly id: string; readonly until: number } | null = null;
  /** The error that announced its close. */
  fatal: ErrorObject | null = null;

  constructor(number: number, now: number) {
    this.number = number;
    this.since = this.heard = now;
  }

  /** When to give it up if nothing more comes. */
  get deadline(): number {
    if (this.state !== "ready") return this.since + CONNECT;
    return Math.min(this.heard + this.silence, this.probe?.until ?? Number.POSITIVE_INFINITY);
  }

  /** The close code the server meant: a proxy may swallow it, but the error before it names it too. */
  meant(code: number): number {
    const announced = this.fatal ? CLOSES[this.fatal.code] : undefined;
    return code === NO_CODE || code === ABNORMAL ? (announced ?? code) : code;
  }

  /** Milliseconds for which the server asked us to stay away. */
  get stayAway(): number {
    return this.fatal?.retryAfterMs ?? 0;
  }
}
