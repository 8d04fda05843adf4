/** The client: one live connection to a Tidewire server, for as long as it takes. */

import { ClientConnection } from "../client/connection.js";
import { Dashboard, type DashboardView } from "../client/dashboard.js";
import type { Notice } from "../client/notices.js";
import {
  type Command,
  type CommandType,
  type FieldsOf,
  type GeneratingType,
  isGenerating,
  resultOf,
  type Results,
} from "../commands.js";
import type { ClientInfo, DashboardChat, EventFrame, JsonObject, WelcomeFrame } from "../frames.js";
import { uuid7 } from "../ids.js";
import { Answer } from "./answer.js";
import { type ConnectionView, Connection } from "./connection.js";
import { Driver, type TokenSource } from "./driver.js";
import { ClientClosed, CommandRefused, Withdrawn } from "./errors.js";
import { Kept, type Outgoing } from "./kept.js";
import { OpenWork } from "./open-work.js";
import type { FileContent, Platform, Signal } from "./platform.js";
import { type Store, Watched } from "./store.js";
import { upload, type UploadedFile, type UploadOptions } from "./upload.js";
import { Verbs } from "./verbs.js";

export interface ClientOptions {
  /** The server's address, as `https://chat.example.org`. */
  readonly url: string;
  readonly platform: Platform;
  /** A session or API token, or where a fresh one comes from; left out when the handshake proves who we are. */
  readonly token?: string | TokenSource;
  /** Whether to keep `dashboard` true; false saves the work and only passes events on. */
  readonly dashboard?: boolean;
  /** What this client calls itself towards the operator. */
  readonly info?: ClientInfo;
  /** What this client asks for beyond the core. */
  readonly capabilities?: readonly string[];
  /** Tells the unsent questions of several clients over one storage apart. */
  readonly scope?: string;
  /** Sees every notice of the rules, in order and before anything else happens; for tools and tests. */
  readonly observer?: (notice: Notice) => void;
}

// Milliseconds. The server warns a minute ahead and closes half a minute after; 4401 is its word for "sign in".
const REFRESH_WITHIN = 90_000;
const REFRESH_AGAIN = 5_000;
const SIGN_IN = 4401;
const INFO: ClientInfo = { name: "tidewire-typescript", version: "0.1.0" };

/**
 * A live connection; `open` it once.
 *
 * Lost sockets, restarted servers and moved connections are dealt with inside: commands are sent again under the same
 * id (so they have one effect), every answer goes on exactly where it stood, and the dashboard stays true.
 */
export class Client extends Verbs {
  /** Names this tab or process; events that it caused carry it as `sourceClientId`. In memory only. */
  readonly clientId: string;
  /** How the connection stands. */
  readonly connection: Store<ConnectionView>;
  /** The user's chats, projects and models, live. */
  readonly dashboard: Store<DashboardView>;
  /** What a person has written and no server has confirmed yet. */
  readonly outbox: Store<readonly Outgoing[]>;
  readonly #platform: Platform;
  readonly #url: string;
  readonly #token: TokenSource | null;
  /** The token of whoever has no source of fresh ones. */
  readonly #fixed: string | undefined;
  readonly #observer: ((notice: Notice) => void) | undefined;
  readonly #work = new OpenWork();
  readonly #rows = new Dashboard();
  readonly #dashboard: Watched<DashboardView>;
  readonly #connection: Connection;
  readonly #kept: Kept;
  readonly #core: ClientConnection;
  readonly #driver: Driver;
  readonly #listeners = new Set<(event: EventFrame) => void>();
  #shown: { chatId: string | null; isVisible: boolean } = { chatId: null, isVisible: true };
  #unwatch: (() => void) | null = null;
  /** With a fresh token, after the last one was refused. */
  #isSigningIn = false;

  constructor(options: ClientOptions) {
    super();
    const { url, platform, token, dashboard = true, info = INFO, observer, capabilities = [], scope = "" } = options;
    this.#platform = platform;
    this.#token = typeof token === "function" ? token : null;
    this.#observer = observer;
    this.clientId = this.newId();
    const who = { clientId: this.clientId, dashboard, info, capabilities };
    const random = () => uint32(platform.randomBytes(4)) / 2 ** 32;
    this.#url = url.replace(/\/+$/, "");
    this.#fixed = typeof token === "string" ? token : undefined;
    this.#core = new ClientConnection(who, () => this.newId(), random, this.#fixed ?? null);
    this.#driver = new Driver(this.#core, platform, socketUrl(this.#url), this.#token, {
      notice: (notice) => this.#notice(notice),
      settled: () => this.#connection.changed(),
    });
    this.#connection = new Connection(platform.clock, () => this.#core.state);
    this.#dashboard = new Watched(() => this.#rows.view);
    this.#kept = new Kept(platform.storage, scope, platform.clock, (id) => this.#core.stateOf(id));
    this.connection = this.#connection.store;
    this.dashboard = this.#dashboard;
    this.outbox = this.#kept.store;
  }

  // Life.

  /** Connect, and stay connected until `close`; also after the server had refused us, once something has changed. */
  open(): void {
    if (this.#core.state !== "closed" && this.#core.state !== "stopped") return;
    if (this.#unwatch === null) {
      this.#unwatch = this.#platform.watch?.((signal) => this.#signal(signal)) ?? (() => {});
      void this.#kept.restore().then(() => this.#resend());
    }
    this.#driver.take(this.#core.open(this.#driver.now));
  }

  /** Close every socket; whatever waits gets `ClientClosed`. Questions that were kept stay kept. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#driver.take(this.#core.close());
    const closed = new ClientClosed("The client was closed.");
    this.#work.fail(closed);
    this.#connection.fail(closed);
  }

  /** Wait until the server has greeted us; throws `ConnectionStopped` when it does not want to. */
  ready(): Promise<WelcomeFrame> {
    return this.#connection.ready();
  }

  /** A person looks at the client, or wants it to try now: connect at once, or prove in 5 s that the socket works. */
  wake(): void {
    if (this.#core.state !== "closed" && this.#core.state !== "stopped") {
      this.#driver.take(this.#core.foreground(this.#driver.now));
    }
  }

  newId(): string {
    return uuid7(this.#platform.clock.unixMs(), this.#platform.randomBytes(10));
  }

  // Commands.

  command<T extends CommandType>(type: T, fields: FieldsOf<T>): Promise<Results[T]> {
    const frame = this.#frame(type, fields);
    return this.#ask(frame, (result) => {
      this.#taken(frame, result);
      return resultOf(type, result);
    });
  }

  generate<T extends GeneratingType>(type: T, fields: FieldsOf<T>): Promise<Answer> {
    return this.#ask(this.#frame(type, fields), (result) => this.#answered(result));
  }

  #frame<T extends CommandType>(type: T, fields: FieldsOf<T>): Command {
    return { ...fields, type, id: fields.id ?? this.newId() } as unknown as Command;
  }

  /** Send a command; one that waits for its answer already is not sent again, and both get the same answer. */
  #ask<T>(frame: Command, build: (result: JsonObject) => T): Promise<T> {
    if (this.#work.waitsFor(frame.id)) return this.#work.waitFor(frame, build);
    try {
      const notices = this.#core.command(frame, this.#driver.now);
      if (frame.type === "message.send" || frame.type === "message.edit") this.#kept.add(frame);
      const answer = this.#work.waitFor(frame, build);
      this.#driver.take(notices); // this is what sends it, so by now it is kept
      this.#kept.changed();
      return answer;
    } catch (failure) {
      return Promise.reject(failure);
    }
  }

  /** A command was carried out: its answer is followed from here, unless somebody did not want that. */
  #taken(frame: Command, result: JsonObject): void {
    if (isGenerating(frame) && frame.subscribe !== false) this.#answered(result);
  }

  #answered(result: JsonObject): Answer {
    const { streamId, status, seq: _, ...place } = resultOf("message.send", result);
    const answer = this.#known(streamId);
    answer.at(place, status);
    return answer;
  }

  /** Try a question of the outbox again that was refused. */
  resend(commandId: string): void {
    const frame = this.#kept.retry(commandId);
    if (frame) void this.#ask(frame, (result) => this.#taken(frame, result)).catch(() => {});
  }

  /** Take a question back: it is not sent, or when it was, what it started is stopped. */
  discard(commandId: string): void {
    const wasOpen = this.#work.waitsFor(commandId);
    this.#kept.remove(commandId);
    if (this.#core.withdraw(commandId)) {
      this.#work.giveUp(commandId, new Withdrawn("This question was taken back."));
      this.#driver.take(this.#core.tick(this.#driver.now)); // what waited behind it
    } else if (wasOpen) void this.stop({ commandId }).catch(() => {});
  }

  /**
   * Upload a file, to name it in a question: `client.send(chatId, [{ type: "text", text }, file.part])`, or with
   * `useChat` `sendMessage({ text, files: [file.part] })`. The same bytes again are the same file.
   *
   * Needs a session or API token, or a cookie: a ticket proves nothing outside of the socket.
   *
   * @throws CommandRefused when it is too large, of a kind that is not taken, or too much for this user.
   */
  async upload(content: FileContent, options: UploadOptions = {}): Promise<UploadedFile> {
    const token = this.#token ? await this.#token("hello") : this.#fixed;
    return upload(this.#url, this.#platform, token, content, options);
  }

  // Answers.

  /** Follow a stream that somebody else started: another tab, another device, or we before a reload. */
  follow(streamId: string): Answer {
    const answer = this.#known(streamId);
    this.#driver.take(this.#core.subscribe(streamId, 0, this.#driver.now));
    return answer;
  }

  /** Follow an answer no longer; it is written on, and its readers end with `ClientClosed`. */
  unfollow(answer: Answer): void {
    if (this.#work.drop(answer, new ClientClosed("The answer is no longer followed."))) {
      this.#driver.take(this.#core.unsubscribe(answer.streamId, this.#driver.now));
    }
  }

  /** The answer that is being written in a chat, if it is followed. */
  answerIn(chatId: string): Answer | undefined {
    return this.#work.answerIn(chatId);
  }

  /** Follow whatever is being written in a chat; null when nothing is. */
  async join(chatId: string): Promise<Answer | null> {
    const known = this.answerIn(chatId);
    if (known) return known;
    const { activeStream } = await this.chat(chatId, { limit: 1 }).catch(unlessUnknown);
    if (!activeStream) return null;
    const answer = this.follow(activeStream.streamId);
    if (answer.place === null) answer.at({ chatId, messageId: activeStream.messageId }, activeStream.status);
    return answer;
  }

  #known(streamId: string): Answer {
    const stop = (id: string) => this.stop({ streamId: id });
    return this.#work.answer(streamId) ?? this.#work.follow(new Answer(streamId, stop));
  }

  // The dashboard.

  /** A chat as the dashboard knows it, also below the last page read. */
  dashboardChat(chatId: string): DashboardChat | undefined {
    return this.#rows.chat(chatId);
  }

  /** Read the next page of chats into `dashboard`; returns whether there are more after it. */
  async moreChats(limit?: number): Promise<boolean> {
    const { cursor } = this.#rows;
    if (cursor === null) return false;
    const page = await this.command("dashboard.get", { cursor, ...(limit === undefined ? {} : { limit }) });
    // A reset in the meantime has started the list anew; this page then belongs to the old one.
    if (this.#rows.cursor === cursor) {
      this.#rows.extend(page);
      this.#dashboard.changed();
    }
    return this.#rows.cursor !== null;
  }

  /** Hear every change from now on, after `dashboard` has taken it; returns how to end that. */
  onEvent(listener: (event: EventFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Say which chat a person looks at here (null: none); decides what counts as unseen. */
  show(chatId: string | null): void {
    this.#present({ ...this.#shown, chatId });
  }

  #present(shown: { chatId: string | null; isVisible: boolean }): void {
    this.#shown = shown;
    const chat = shown.chatId === null ? {} : { chatId: shown.chatId };
    const visibility = shown.isVisible ? "visible" : "hidden";
    this.#driver.take(this.#core.presence({ type: "presence.update", visibility, ...chat }));
  }

  #signal(signal: Signal): void {
    if (signal !== "online") this.#present({ ...this.#shown, isVisible: signal === "visible" });
    if (signal !== "hidden") this.wake();
  }

  // What the rules tell us.

  #notice(notice: Notice): void {
    this.#observer?.(notice);
    if (this.#signsInAgain(notice)) return;
    this.#work.take(notice);
    this.#connection.take(notice);
    switch (notice.type) {
      case "connected":
        this.#kept.greeted(notice.welcome.userId);
        return this.#resend();
      case "disconnected":
        return this.#kept.changed();
      case "answered":
        return this.#kept.remove(notice.id);
      case "refused":
        return this.#kept.refused(notice.id, notice.error);
      case "auth.expiring":
        return void this.#refresh();
      case "refreshed":
        this.#rows.replace(notice.snapshot);
        return this.#dashboard.changed();
      case "event":
        this.#rows.apply(notice);
        this.#dashboard.changed();
        for (const listener of [...this.#listeners]) listener(notice);
    }
  }

  /** What was kept over a reload goes out once we know whose it is; what waits in the connection goes by itself. */
  #resend(): void {
    if (!this.#connection.isGreeted) return;
    for (const frame of this.#kept.due()) {
      if (!this.#work.waitsFor(frame.id)) void this.#ask(frame, (result) => this.#taken(frame, result)).catch(() => {});
    }
  }

  // Tokens.

  /** Put a fresh token on the live socket; while none can be had, ask again until the old one has run out. */
  async #refresh(): Promise<void> {
    for (const giveUpAt = this.#driver.now + REFRESH_WITHIN; this.#driver.now < giveUpAt; ) {
      try {
        const token = await this.#token?.("refresh");
        if (token !== undefined) await this.command("auth.refresh", { token });
        return;
      } catch (failure) {
        // Refused or closed: the socket closes with 4401 when the old token runs out; the next begins with a fresh one.
        if (failure instanceof CommandRefused || failure instanceof ClientClosed) return;
        await new Promise<void>((resolve) => this.#platform.clock.after(REFRESH_AGAIN, resolve));
      }
    }
  }

  /** A token may have been too old for the hello: a fresh one helps, or it is not its age that is wrong. */
  #signsInAgain(notice: Notice): boolean {
    if (notice.type === "connected") this.#isSigningIn = false;
    if (notice.type !== "stopped" || notice.code !== SIGN_IN || !this.#token || this.#isSigningIn) return false;
    this.#isSigningIn = true;
    this.#driver.take(this.#core.open(this.#driver.now));
    return true;
  }
}

/** An unknown chat has no answer; a page may ask about one that it has not sent anything to yet. */
function unlessUnknown(failure: unknown): { readonly activeStream?: undefined } {
  if (failure instanceof CommandRefused && failure.error.code === "not_found") return {};
  throw failure;
}

const socketUrl = (url: string): string => `${url.replace(/^http/, "ws")}/v1/socket`;

const uint32 = (bytes: ArrayLike<number>): number =>
  Array.from({ length: 4 }, (_, at) => (bytes[at] ?? 0) * 2 ** (8 * at)).reduce((sum, part) => sum + part, 0);
