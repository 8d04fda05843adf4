/** How the connection stands, as a page shows it. */

import type { Notice } from "../client/notices.js";
import type { ErrorObject, WelcomeFrame } from "../frames.js";
import type { ClientState } from "../lifecycle.js";
import { ConnectionStopped } from "./errors.js";
import type { Clock } from "./platform.js";
import { Watched } from "./store.js";

export interface ConnectionView {
  readonly state: ClientState;
  /** Whether commands reach the server now. */
  readonly isLive: boolean;
  /** Who we are; null before the first greeting. */
  readonly userId: string | null;
  /** Since when it is live or not, in Unix milliseconds: a page shows a banner only after a moment. */
  readonly since: number;
  /** When the next try comes, in Unix milliseconds; null when none is planned. */
  readonly retryAt: number | null;
  /** What the server said when it closed the connection. */
  readonly error: ErrorObject | null;
}

export class Connection {
  readonly store: Watched<ConnectionView>;
  readonly #clock: Clock;
  readonly #state: () => ClientState;
  #view: ConnectionView;
  #welcome: WelcomeFrame | null = null;
  #stopped: ConnectionStopped | null = null;
  #waiting: { resolve: (welcome: WelcomeFrame) => void; reject: (failure: Error) => void }[] = [];

  constructor(clock: Clock, state: () => ClientState) {
    this.#clock = clock;
    this.#state = state;
    const since = clock.unixMs();
    this.#view = { state: state(), isLive: false, userId: null, since, retryAt: null, error: null };
    this.store = new Watched(() => this.#view);
  }

  /** Whether a server has said who we are. */
  get isGreeted(): boolean {
    return this.#welcome !== null;
  }

  ready(): Promise<WelcomeFrame> {
    if (this.#view.isLive && this.#welcome) return Promise.resolve(this.#welcome);
    if (this.#stopped && this.#state() === "stopped") return Promise.reject(this.#stopped);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  take(notice: Notice): void {
    if (notice.type === "connected") {
      this.#welcome = notice.welcome;
      this.#become({ userId: notice.welcome.userId, retryAt: null, error: null });
      for (const { resolve } of this.#waiting.splice(0)) resolve(notice.welcome);
    } else if (notice.type === "disconnected") {
      this.#become({ retryAt: this.#clock.unixMs() + notice.retryIn, error: notice.error });
    } else if (notice.type === "stopped") {
      this.#become({ retryAt: null, error: notice.error });
      this.#stopped = new ConnectionStopped(notice.code, notice.error);
      this.fail(this.#stopped);
    }
  }

  /** No greeting will come for those who wait for one. */
  fail(failure: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
  }

  /** The state may have moved without a notice, as from `connecting` to `authenticating`. */
  changed(): void {
    if (this.#state() !== this.#view.state) this.#become({});
  }

  #become(change: Partial<ConnectionView>): void {
    const state = this.#state();
    const isLive = state === "ready" || state === "draining";
    const since = isLive === this.#view.isLive ? this.#view.since : this.#clock.unixMs();
    const retryAt = state === "connecting" ? null : this.#view.retryAt;
    this.#view = { ...this.#view, retryAt, ...change, state, isLive, since };
    this.store.changed();
  }
}
