/** Drives the client's rules: opens and closes real sockets, carries frames and wakes up in time. */

import type { ClientConnection } from "../client/connection.js";
import type { Action, Notice } from "../client/notices.js";
import { ABNORMAL } from "../codes.js";
import { ConnectFailed } from "./errors.js";
import type { Platform, SocketLike } from "./platform.js";

/**
 * Where a token comes from. Asked before every hello, and when the one in use is about to expire.
 *
 * @returns the token to present; undefined when the handshake itself proves who we are (a cookie).
 * @throws ConnectFailed with the close code that fits; any other failure is tried again.
 */
export type TokenSource = (why: "hello" | "refresh") => Promise<string | undefined>;

const PROTOCOL = "tidewire.v1";

/** What stands above the driver; neither call may throw. */
export interface Application {
  notice(notice: Notice): void;
  /** Everything there was to hand over has been, and acted upon. */
  settled(): void;
}

/** One client's sockets and its timer. */
export class Driver {
  readonly #core: ClientConnection;
  readonly #platform: Platform;
  readonly #url: string;
  readonly #token: TokenSource | null;
  readonly #application: Application;
  /** A socket from when it was asked for; null while its token is fetched. */
  readonly #sockets = new Map<number, SocketLike | null>();
  #timer: { readonly due: number; readonly cancel: () => void } | null = null;

  constructor(
    core: ClientConnection,
    platform: Platform,
    url: string,
    token: TokenSource | null,
    application: Application,
  ) {
    this.#core = core;
    this.#platform = platform;
    this.#url = url;
    this.#token = token;
    this.#application = application;
  }

  /** Monotonic milliseconds. */
  get now(): number {
    return this.#platform.clock.now();
  }

  /** Hand over notices, then act: that order is what a pong promises. */
  take(notices: readonly Notice[]): void {
    for (const notice of notices) this.#application.notice(notice);
    for (const action of this.#core.actions()) this.#act(action);
    this.#arm();
    this.#application.settled();
  }

  #act(action: Action): void {
    if (action.type === "send") this.#sockets.get(action.link)?.send(action.text);
    else if (action.type === "connect") void this.#dial(action.link);
    else this.#close(action.link, action.code);
  }

  /** Set the timer when something is due earlier than it; one that is early only looks again. */
  #arm(): void {
    const now = this.now;
    const due = this.#core.deadline(now);
    if (due === null) {
      this.#timer?.cancel();
      this.#timer = null;
    } else if (this.#timer === null || due < this.#timer.due) {
      this.#timer?.cancel();
      const cancel = this.#platform.clock.after(Math.max(0, due - now), () => {
        this.#timer = null;
        this.take(this.#core.tick(this.now));
      });
      this.#timer = { due, cancel };
    }
  }

  async #dial(link: number): Promise<void> {
    this.#sockets.set(link, null);
    try {
      const token = this.#token ? await this.#token("hello") : undefined;
      if (this.#sockets.has(link)) this.#open(link, token ?? null);
    } catch (failure) {
      if (this.#sockets.delete(link)) this.#closed(link, failure instanceof ConnectFailed ? failure.code : ABNORMAL);
    }
  }

  #open(link: number, token: string | null): void {
    const socket = this.#platform.openSocket(this.#url, PROTOCOL);
    this.#sockets.set(link, socket);
    socket.onopen = () => this.take(this.#core.opened(link, this.now, token));
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      if (typeof data === "string") this.take(this.#core.received(link, data, this.now));
    };
    socket.onerror = () => {}; // a close follows, and says what there is to say
    socket.onclose = ({ code }: { readonly code: number }) => {
      this.#sockets.delete(link);
      this.#closed(link, code);
    };
  }

  #closed(link: number, code: number): void {
    this.take(this.#core.closed(link, code, this.now));
  }

  #close(link: number, code: number): void {
    const socket = this.#sockets.get(link);
    this.#sockets.delete(link);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}
