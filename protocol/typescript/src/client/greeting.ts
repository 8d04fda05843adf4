/** What a client says first: who it is, and how far it has come in everything it follows. */

import { byteLength, encode } from "../codec.js";
import type { ClientInfo, HelloFrame, StreamPosition } from "../frames.js";
import { limitOf, type Limits } from "../limits.js";
import type { Session } from "./session.js";

/** The lasting half of a `hello`. */
export interface Introduction {
  /** Names this tab or process; lives in memory only. */
  readonly clientId: string;
  /** Whether to ask for snapshots; without one, missed events are only reported. */
  readonly dashboard: boolean;
  /** What the client is, for the operator's eyes. */
  readonly info?: ClientInfo;
  /** What this client asks for beyond the core. */
  readonly capabilities?: readonly string[];
  /** The largest flow window wanted, in bytes. */
  readonly window?: number;
}

export class Greeting {
  /** Presented to the server; null when the handshake itself proves who we are. May be replaced by a fresher one. */
  token: string | null;
  readonly #who: Introduction;
  readonly #mint: () => string;

  constructor(who: Introduction, mint: () => string, token: string | null) {
    this.#who = who;
    this.#mint = mint;
    this.token = token;
  }

  /**
   * Build the frame; what does not fit into it is subscribed to after the welcome.
   *
   * @param limits `welcome.limits` of an earlier socket, empty before the first.
   */
  hello(session: Session, limits: Limits): HelloFrame {
    let streams = session.streams.positions(limitOf(limits, "streamsPerConnection"));
    let hello = this.#with(session, streams);
    while (streams.length > 0 && byteLength(encode(hello)) > limitOf(limits, "helloBytes")) {
      streams = streams.slice(0, Math.floor(streams.length / 2));
      hello = this.#with(session, streams);
    }
    return hello;
  }

  #with(session: Session, streams: readonly StreamPosition[]): HelloFrame {
    const { clientId, dashboard, info, capabilities, window } = this.#who;
    const position = session.events.position;
    return {
      type: "hello",
      id: this.#mint(),
      clientId,
      ...(this.token === null ? {} : { token: this.token }),
      ...(info ? { client: info } : {}),
      ...(capabilities?.length ? { capabilities } : {}),
      ...(position ? { events: position } : {}),
      ...(streams.length > 0 ? { streams } : {}),
      ...(dashboard ? {} : { snapshot: "never" as const }),
      ...(window === undefined ? {} : { flow: { windowBytes: window } }),
    };
  }
}
