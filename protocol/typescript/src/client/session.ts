/**
 * What a client is in the middle of, whatever socket carries it: commands, streams, events.
 *
 * A session knows nothing of opening and closing sockets. It is told when one greeted it or was lost, reads the frames
 * of the one that counts, and leaves what it has to say in two lists: notices for the application, and commands in the
 * outbox.
 */

import { isGenerating, resultOf } from "../commands.js";
import type {
  AckFrame,
  DashboardSnapshot,
  ErrorFrame,
  ErrorObject,
  EventFrame,
  EventsInfo,
  EventsResetFrame,
  StreamChunkFrame,
  StreamEndFrame,
  WelcomeFrame,
} from "../frames.js";
import { EventLog } from "./events.js";
import type { Notice, Reset } from "./notices.js";
import { Outbox, type Waiting } from "./outbox.js";
import { Streams, type Subscription } from "./streams.js";

// Refusals that say "not now" about the connection, before anybody looked at the command.
const NOT_NOW = new Set(["rate_limited", "too_many_in_flight", "draining"]);
// How long a command is tried again, from its first refusal where the server cannot say what helps. Longer waits are the
// application's to decide on: a person would wonder what became of the click.
const PATIENCE = 5_000;
const PAUSE = 500;
const SOMEBODY_ELSE: ErrorObject = {
  code: "permission_denied",
  message: "Somebody else is signed in now.",
  retryable: false,
};

/** The memory of one client. */
export class Session {
  readonly outbox = new Outbox();
  readonly streams = new Streams();
  readonly events = new EventLog();
  #notices: Notice[] = [];
  readonly #mint: () => string;
  readonly #dashboard: boolean;

  /**
   * @param mint a fresh command id each time it is called.
   * @param dashboard whether the client keeps a dashboard and so wants a snapshot whenever events were missed.
   */
  constructor(mint: () => string, dashboard: boolean) {
    this.#mint = mint;
    this.#dashboard = dashboard;
  }

  say(notice: Notice): void {
    this.#notices.push(notice);
  }

  /** What was said since the last time. */
  said(): readonly Notice[] {
    const found = this.#notices;
    this.#notices = [];
    return found;
  }

  /** Follow a stream; nothing happens when it is followed already. */
  subscribe(streamId: string, after: number, isReady: boolean): void {
    if (this.streams.has(streamId)) return;
    const found = this.streams.follow(streamId, after);
    if (isReady) this.#ask(found);
  }

  /** Follow a stream no longer; it runs on. */
  unsubscribe(streamId: string, isReady: boolean): void {
    if (!this.streams.has(streamId)) return;
    this.streams.forget(streamId);
    if (isReady) this.#leave(streamId);
  }

  /** Another user was greeted: the application's commands are refused, its streams lost. */
  abandon(): void {
    for (const id of this.outbox.abandon()) this.say({ type: "refused", id, error: SOMEBODY_ELSE });
    for (const each of this.streams.all()) this.#lose(each, SOMEBODY_ELSE);
    this.events.forget();
  }

  /** A socket is gone; the next welcome takes everything up again. */
  lost(link: number): void {
    this.outbox.lost(link);
  }

  /**
   * Take up everything on the socket that said welcome.
   *
   * @param asked the positions its `hello` named. While the old socket still spoke they may have been passed, and then
   *   the answer to them does not fit any more.
   */
  welcome(frame: WelcomeFrame, asked: ReadonlyMap<string, number>, moved: boolean): void {
    this.say({ type: "connected", welcome: frame, moved });
    const result = frame.auth.expiresAt === undefined ? {} : { expiresAt: frame.auth.expiresAt };
    for (const entry of this.outbox.refreshes()) {
      this.say({ type: "answered", id: entry.frame.id, result, duplicate: false });
    }
    this.outbox.forgetOwn();
    this.streams.drop();
    this.#welcomeEvents(frame);
    this.#welcomeStreams(frame, asked);
  }

  #welcomeEvents({ events, snapshot }: WelcomeFrame): void {
    if (events.recovered && this.events.epoch === events.epoch) this.events.recovered();
    else if (snapshot) this.#adopt(snapshot);
    else this.#reset(events.epoch, events.offset, "epoch_changed", this.events.epoch !== null);
  }

  #welcomeStreams(frame: WelcomeFrame, asked: ReadonlyMap<string, number>): void {
    const answers = new Map(frame.streams.map((answer) => [answer.streamId, answer]));
    for (const each of this.streams.all()) {
      const answer = answers.get(each.streamId);
      if (!answer || asked.get(each.streamId) !== each.last) this.#ask(each);
      else if (!answer.error) each.confirm();
      else if (answer.error.retryable) this.#ask(each);
      else this.#lose(each, answer.error);
    }
    for (const streamId of asked.keys()) {
      if (!this.streams.has(streamId)) this.#leave(streamId);
    }
  }

  /**
   * A command was carried out.
   *
   * @param counts whether the ack came over the socket that counts.
   */
  ack(frame: AckFrame, counts: boolean): void {
    const entry = this.outbox.answered(frame.id);
    switch (entry?.purpose) {
      case "application":
        this.say({ type: "answered", id: frame.id, result: frame.result, duplicate: frame.duplicate === true });
        if (isGenerating(entry.frame) && entry.frame.subscribe !== false) {
          this.#generating(resultOf("message.send", frame.result).streamId, counts);
        }
        return;
      case "subscribe":
        return this.#subscribed(entry, frame);
      case "resume":
        return this.#resumed(resultOf("events.resume", frame.result));
      case "snapshot":
        return this.#adopt(resultOf("dashboard.get", frame.result));
    }
  }

  /**
   * A command was refused, or the server warns.
   *
   * @param leaving the socket it came over, if that is about to be replaced by another or was.
   */
  error({ id, error }: ErrorFrame, now: number, leaving: number | null): void {
    if (id === undefined) return this.say({ type: "warned", error });
    const entry = this.outbox.answered(id);
    if (entry?.purpose === "application") this.#refused(entry, error, now, leaving);
    else if (entry?.purpose === "subscribe") this.#subscribeRefused(entry, error, now);
    else if (entry && entry.purpose !== "unsubscribe" && !this.#putOff(entry, error, now)) {
      this.say({ type: "warned", error });
      if (entry.purpose === "resume") this.#reset(this.events.epoch ?? "", this.events.last, "trimmed");
    }
  }

  /** Chunks of a stream: applied, dropped, or a sign that some are missing. */
  chunk(frame: StreamChunkFrame): void {
    const step = this.streams.chunk(frame);
    if (step === "apply") this.say(frame);
    else if (step === "gap") this.#askAgain(frame.streamId);
  }

  /** The end of a stream; it must be where we are. */
  end(frame: StreamEndFrame): void {
    const step = this.streams.end(frame);
    if (step === "apply") this.say(frame);
    else if (step === "gap") this.#askAgain(frame.streamId);
  }

  /** A change of the dashboard: applied, dropped, or a sign that some are missing. */
  event(frame: EventFrame): void {
    const step = this.events.event(frame.offset);
    if (step === "apply") this.say(frame);
    else if (step === "gap") this.#resume();
  }

  /** The server cannot send the events we lack. */
  reset(frame: EventsResetFrame): void {
    this.#reset(frame.epoch, frame.offset, frame.reason);
  }

  #ask(found: Subscription): void {
    const id = this.#mint();
    found.ask(id);
    this.outbox.add({ type: "stream.subscribe", id, streamId: found.streamId, after: found.last }, "subscribe");
  }

  #askAgain(streamId: string): void {
    const found = this.streams.get(streamId);
    if (found) this.#ask(found);
  }

  #leave(streamId: string): void {
    this.outbox.add({ type: "stream.unsubscribe", id: this.#mint(), streamId }, "unsubscribe");
  }

  /** The ack of a generating command subscribes its socket from 0, whatever we know of the stream already. */
  #generating(streamId: string, counts: boolean): void {
    const found = this.streams.follow(streamId, 0);
    if (counts && found.last === 0) found.confirm();
    else this.#ask(found);
  }

  /** The subscription that this command asked for, if it still waits for that very answer. */
  #asked({ frame }: Waiting): Subscription | undefined {
    const found = frame.type === "stream.subscribe" ? this.streams.get(frame.streamId) : undefined;
    return found?.askedBy === frame.id ? found : undefined;
  }

  #subscribed(entry: Waiting, { result }: AckFrame): void {
    const head = resultOf("stream.subscribe", result);
    const found = this.#asked(entry);
    if (!found) return;
    found.confirm();
    this.say({ type: "subscribed", ...head });
  }

  #subscribeRefused(entry: Waiting, error: ErrorObject, now: number): void {
    const found = this.#asked(entry);
    if (found && !this.#putOff(entry, error, now)) this.#lose(found, error);
  }

  #lose(found: Subscription, error: ErrorObject): void {
    this.streams.forget(found.streamId);
    this.say({ type: "lost", streamId: found.streamId, error });
  }

  #refused(entry: Waiting, error: ErrorObject, now: number, leaving: number | null): void {
    const wait = waitOf(error);
    if (error.code === "draining" && leaving !== null) return this.outbox.keepForAnother(entry, leaving);
    if (this.#passes(entry, error, now + wait, now) && this.outbox.hold(entry, now + wait)) return;
    this.say({ type: "refused", id: entry.frame.id, error });
  }

  /**
   * Whether a refusal is about a moment that will have passed by then. A command that was overtaken is not tried
   * again: an older title must not replace a newer one.
   */
  #passes(entry: Waiting, { code }: ErrorObject, then: number, now: number): boolean {
    if (NOT_NOW.has(code)) return then - now <= PATIENCE;
    if (code !== "unavailable" || this.outbox.isOvertaken(entry)) return false;
    entry.patientUntil ??= now + PATIENCE;
    return then <= entry.patientUntil;
  }

  #putOff(entry: Waiting, error: ErrorObject, now: number): boolean {
    return error.retryable && this.outbox.hold(entry, now + waitOf(error));
  }

  #resume(): void {
    const position = this.events.position;
    if (position) this.outbox.add({ type: "events.resume", id: this.#mint(), ...position }, "resume");
  }

  #resumed(answer: EventsInfo): void {
    if (this.events.state !== "resuming") return;
    if (answer.recovered && answer.epoch === this.events.epoch) this.events.recovered();
    else this.#reset(answer.epoch, answer.offset, "trimmed");
  }

  #reset(epoch: string, offset: number, reason: Reset["reason"], isKnown = true): void {
    if (isKnown) this.say({ type: "reset", epoch, offset, reason });
    if (this.#dashboard) {
      this.events.forget();
      this.outbox.add({ type: "dashboard.get", id: this.#mint() }, "snapshot");
    } else this.events.adopt(epoch, offset);
  }

  #adopt(snapshot: DashboardSnapshot): void {
    this.say({ type: "refreshed", snapshot });
    if (this.events.adopt(snapshot.epoch, snapshot.offset)) this.#resume();
  }
}

/** Milliseconds to wait before asking again. */
const waitOf = (error: ErrorObject): number => error.retryAfterMs ?? PAUSE;
