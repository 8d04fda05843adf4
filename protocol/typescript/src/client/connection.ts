/**
 * The client side of a connection, without I/O: when to open sockets, and what goes over them.
 *
 * A client has one socket that counts. After a `goodbye` it opens a second one and moves over once that has said
 * welcome, while the old one still delivers (make before break). Sockets are numbers here; whoever drives this opens,
 * writes and closes real ones.
 *
 * Theory of operation. Every input is a method; it returns the notices that follow, in order. The driver hands them to
 * the application first and only then carries out `actions()`: a `pong` says that everything before its `ping` was
 * handled, so it must not leave earlier (guarantee 27). After that it arms one timer for `deadline()` and calls `tick`
 * when it fires. Time is monotonic, in milliseconds.
 */

import { byteLength, decode, encode } from "../codec.js";
import { ABNORMAL, GIVEN_UP, INVALID_FRAME, NORMAL, verdict } from "../codes.js";
import type { Command } from "../commands.js";
import type { ClientFrame, ErrorFrame, GoodbyeFrame, PresenceUpdateFrame, ServerFrame, WelcomeFrame } from "../frames.js";
import { isTicket } from "../ids.js";
import { advance, CLIENT_CONNECTION, type ClientState } from "../lifecycle.js";
import { limitOf, type Limits } from "../limits.js";
import { BrokenFrame } from "../reading.js";
import { Backoff } from "./backoff.js";
import { Greeting, type Introduction } from "./greeting.js";
import { Link, PROBE } from "./link.js";
import type { Action, Notice } from "./notices.js";
import { Session } from "./session.js";

type Notices = readonly Notice[];

/** The server would close the connection over a command of this size. */
export class FrameTooLarge extends Error {
  override readonly name = "FrameTooLarge";
}

/** One client's conversation with the server, over as many sockets as it takes. */
export class ClientConnection {
  limits: Limits = {};
  #state: ClientState = "closed";
  #session: Session;
  #actions: Action[] = [];
  #numbers = 0;
  /** The socket that counts, and the one to move to. */
  #main: Link | null = null;
  #next: Link | null = null;
  #dialAt: number | null = null;
  #presence: PresenceUpdateFrame | null = null;
  #userId: string | null = null;
  readonly #links = new Map<number, Link>();
  readonly #greeting: Greeting;
  readonly #backoff: Backoff;
  readonly #mint: () => string;
  readonly #random: () => number;
  readonly #dashboard: boolean;

  /**
   * @param mint a fresh command id each time it is called.
   * @param random a number in [0, 1) each time it is called.
   * @param token presented in `hello`; null when the handshake itself proves who we are.
   */
  constructor(who: Introduction, mint: () => string, random: () => number, token: string | null = null) {
    this.#greeting = new Greeting(who, mint, token);
    this.#backoff = new Backoff(random);
    this.#session = new Session(mint, who.dashboard);
    this.#mint = mint;
    this.#random = random;
    this.#dashboard = who.dashboard;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** How a command of the application stands; null when it was answered or never given. */
  stateOf(commandId: string): "waiting" | "sent" | null {
    const entry = this.#session.outbox.get(commandId);
    return entry === undefined ? null : entry.link === null ? "waiting" : "sent";
  }

  // What the application wants.

  /** Connect, and stay connected until `close`. */
  open(now: number): Notices {
    this.#to("open");
    this.#main = this.#dial(now);
    return this.#session.said();
  }

  /** Close every socket; what waits for an answer will not get one. */
  close(): Notices {
    if (this.#state === "closed") return [];
    this.#to("close");
    for (const link of this.#links.values()) this.#shut(link, NORMAL);
    this.#main = this.#next = this.#dialAt = null;
    this.#session = new Session(this.#mint, this.#dashboard);
    return [];
  }

  /**
   * Send a command, now or as soon as there is a socket; its answer comes as a notice with the same id.
   *
   * @throws FrameTooLarge when the server would close the connection over it.
   * @throws OutboxFull when too many commands wait already.
   */
  command(frame: Command, now: number): Notices {
    const most = limitOf(this.limits, "frameBytes");
    if (byteLength(encode(frame)) > most) {
      throw new FrameTooLarge(`This is too long: at most ${Math.floor(most / 1024)} KB can be sent at once.`);
    }
    if (frame.type === "auth.refresh" && !isTicket(frame.token)) this.#greeting.token = frame.token;
    this.#session.outbox.add(frame, "application");
    return this.#flush(now);
  }

  /** Take back a command that no server carries out; false when one may, or may have. */
  withdraw(commandId: string): boolean {
    return this.#session.outbox.withdraw(commandId);
  }

  /** Follow a stream from a position, over every reconnect, until it ends or is lost. */
  subscribe(streamId: string, after: number, now: number): Notices {
    this.#session.subscribe(streamId, after, this.#isReady);
    return this.#flush(now);
  }

  /** Follow a stream no longer; it runs on. */
  unsubscribe(streamId: string, now: number): Notices {
    this.#session.unsubscribe(streamId, this.#isReady);
    return this.#flush(now);
  }

  /** Say what this tab shows; said again on every new socket, which counts as hidden until then. */
  presence(frame: PresenceUpdateFrame): Notices {
    this.#presence = frame;
    if (this.#isReady && this.#main) this.#send(this.#main, frame);
    return this.#session.said();
  }

  /** The tab became visible or the network came back: make sure, within 5 s, that the socket still works. */
  foreground(now: number): Notices {
    if (this.#state === "backoff") {
      this.#dialAt = now;
      return this.tick(now);
    }
    const link = this.#main;
    if (link?.state === "ready" && link.probe === null) {
      link.probe = { id: this.#mint(), until: now + PROBE };
      this.#send(link, { type: "ping", id: link.probe.id });
    }
    return this.#session.said();
  }

  // What the sockets did.

  /** A socket is open: say hello, with a fresher token than the one known, if there is one. */
  opened(number: number, now: number, token: string | null = null): Notices {
    const link = this.#links.get(number);
    if (link?.state !== "connecting") return [];
    this.#greeting.token = token ?? this.#greeting.token;
    link.state = "authenticating";
    link.since = link.heard = now;
    if (link === this.#main) this.#to("opened");
    const hello = this.#greeting.hello(this.#session, this.limits);
    link.helloId = hello.id;
    link.asked = new Map(hello.streams?.map(({ streamId, after }) => [streamId, after]));
    this.#send(link, hello);
    return this.#session.said();
  }

  /** A text frame came. */
  received(number: number, data: string, now: number): Notices {
    const link = this.#links.get(number);
    if (!link) return [];
    link.heard = now;
    try {
      const frame = decode(data);
      if (frame) this.#frame(link, frame, now);
    } catch (problem) {
      if (!(problem instanceof BrokenFrame)) throw problem;
      this.#giveUp(link, now, INVALID_FRAME);
    }
    return this.#flush(now);
  }

  /** A socket closed or could not be opened (1006). */
  closed(number: number, code: number, now: number): Notices {
    const link = this.#links.get(number);
    this.#links.delete(number);
    if (link) this.#gone(link, code, now);
    return this.#flush(now);
  }

  /** Time has passed. */
  tick(now: number): Notices {
    for (const link of [...this.#links.values()]) {
      if (link.deadline <= now) this.#giveUp(link, now, GIVEN_UP, link.probe !== null && link.probe.until <= now);
    }
    if (this.#dialAt !== null && this.#dialAt <= now) this.#redial(now);
    return this.#flush(now);
  }

  // What the driver asks.

  /** What to do to the sockets, in order; to be carried out after the notices were handled. */
  actions(): readonly Action[] {
    const found = this.#actions;
    this.#actions = [];
    return found;
  }

  /** When to call `tick` at the latest; null when nothing is awaited. */
  deadline(now: number): number | null {
    const held = this.#isReady ? this.#session.outbox.deadline(now) : null;
    const times = [...this.#links.values()].map((link) => link.deadline);
    for (const time of [this.#dialAt, held]) if (time !== null) times.push(time);
    return times.length > 0 ? Math.min(...times) : null;
  }

  get #isReady(): boolean {
    return this.#state === "ready" || this.#state === "draining";
  }

  // Sockets.

  #to(event: Parameters<typeof advance<typeof CLIENT_CONNECTION>>[2]): void {
    this.#state = advance(CLIENT_CONNECTION, this.#state, event);
  }

  #dial(now: number): Link {
    this.#dialAt = null;
    this.#numbers += 1;
    const link = new Link(this.#numbers, now);
    this.#links.set(link.number, link);
    this.#actions.push({ type: "connect", link: link.number });
    return link;
  }

  #redial(now: number): void {
    if (this.#state === "backoff") {
      this.#to("retry");
      this.#main = this.#dial(now);
    } else if (this.#state === "draining") this.#next = this.#dial(now);
  }

  #shut(link: Link, code: number): void {
    this.#links.delete(link.number);
    this.#actions.push({ type: "close", link: link.number, code });
  }

  #giveUp(link: Link, now: number, code: number, atOnce = false): void {
    this.#shut(link, code);
    this.#gone(link, ABNORMAL, now, atOnce);
  }

  /** A socket no longer exists; what that means depends on which one it was. */
  #gone(link: Link, given: number, now: number, atOnce = false): void {
    const code = link.meant(given);
    this.#session.lost(link.number);
    if (link === this.#next) {
      this.#next = null;
      if (verdict(code) === "reconnect") this.#dialAt = now + this.#backoff.next(link.stayAway);
    } else if (link === this.#main) {
      this.#main = null;
      this.#mainGone(link, code, now, atOnce);
    }
  }

  #mainGone(link: Link, code: number, now: number, atOnce: boolean): void {
    this.#dialAt = null;
    if (link.state === "ready") this.#backoff.lasted(now - link.since);
    if (verdict(code) === "stop") return this.#stop(link, code);
    this.#to("lost");
    let retryIn = 0;
    if (this.#next) this.#promote(this.#next);
    else {
      retryIn = atOnce ? 0 : this.#backoff.next(link.stayAway);
      this.#dialAt = now + retryIn;
    }
    this.#session.say({ type: "disconnected", code, error: link.fatal, retryIn });
  }

  #stop(link: Link, code: number): void {
    this.#to("refused");
    if (this.#next) this.#shut(this.#next, NORMAL);
    this.#next = null;
    this.#session.say({ type: "stopped", code, error: link.fatal });
  }

  /** The old socket went before the new one was ready: wait for that one, as if it were the first. */
  #promote(link: Link): void {
    this.#main = link;
    this.#next = null;
    this.#to("retry");
    if (link.state === "authenticating") this.#to("opened");
  }

  /** Close the sockets we moved away from, once they owe us no more answers. */
  #letGo(now: number): void {
    for (const link of [...this.#links.values()]) {
      if (link === this.#main || link === this.#next || this.#session.outbox.inFlight(link.number) > 0) continue;
      this.#shut(link, NORMAL);
      this.#gone(link, NORMAL, now);
    }
  }

  #send(link: Link, frame: ClientFrame): void {
    this.#actions.push({ type: "send", link: link.number, text: encode(frame) });
  }

  #flush(now: number): Notices {
    const link = this.#main;
    if (link?.state === "ready" && this.#session.outbox.size > 0) {
      for (const { text } of this.#session.outbox.due(link.number, limitOf(this.limits, "commandsInFlight"), now)) {
        this.#actions.push({ type: "send", link: link.number, text });
      }
    }
    return this.#session.said();
  }

  // Frames.

  /** Read a frame: answers and pings of any socket, everything else of the one that counts alone. */
  #frame(link: Link, frame: ServerFrame, now: number): void {
    if (frame.type === "welcome") return this.#welcome(link, frame, now);
    if (frame.type === "error") return this.#error(link, frame, now);
    if (link.state !== "ready") return;
    if (frame.type === "ack") {
      this.#session.ack(frame, link === this.#main);
      if (link !== this.#main) this.#letGo(now);
    } else if (frame.type === "ping") this.#send(link, { type: "pong", id: frame.id });
    else if (frame.type === "pong") link.probe = frame.id === link.probe?.id ? null : link.probe;
    else if (link === this.#main) this.#told(frame, now);
  }

  #told(frame: Exclude<ServerFrame, { readonly type: "welcome" | "error" | "ack" | "ping" | "pong" }>, now: number): void {
    switch (frame.type) {
      case "stream.chunk":
        return this.#session.chunk(frame);
      case "stream.end":
        return this.#session.end(frame);
      case "stream.status":
        return this.#session.streams.has(frame.streamId) ? this.#session.say(frame) : undefined;
      case "event":
        return this.#session.event(frame);
      case "events.reset":
        return this.#session.reset(frame);
      case "auth.expiring":
        return this.#session.say(frame);
      case "goodbye":
        return this.#goodbye(frame, now);
    }
  }

  #welcome(link: Link, frame: WelcomeFrame, now: number): void {
    if (link.state !== "authenticating" || frame.id !== link.helloId) return;
    link.state = "ready";
    link.since = now;
    this.limits = frame.limits;
    link.silence = limitOf(frame.limits, "silenceMs");
    const moved = link === this.#next;
    this.#to(moved ? "moved" : "welcome");
    this.#main = link;
    this.#next = null;
    // Somebody else signed in: what the former user asked must not be carried out in the name of the new one.
    if (this.#userId !== null && this.#userId !== frame.userId) this.#session.abandon();
    this.#userId = frame.userId;
    this.#session.welcome(frame, link.asked, moved);
    if (this.#presence) this.#send(link, this.#presence);
    this.#letGo(now);
  }

  #error(link: Link, frame: ErrorFrame, now: number): void {
    if (frame.fatal || frame.id === link.helloId) {
      link.fatal = frame.error;
      return;
    }
    const isLeft = link !== this.#main || this.#state === "draining";
    this.#session.error(frame, now, isLeft ? link.number : null);
    if (link !== this.#main) this.#letGo(now);
  }

  #goodbye(frame: GoodbyeFrame, now: number): void {
    if (this.#state !== "ready") return;
    this.#to("goodbye");
    const [least, most] = frame.reconnectAfterMs;
    this.#dialAt = now + least + this.#random() * (most - least);
  }
}
