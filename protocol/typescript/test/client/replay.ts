/** Replays a transcript (protocol/vectors/README.md) through the client's core; server and network are the script. */
import { expect } from "vitest";
import { ClientConnection } from "../../src/client/connection.js";
import { Dashboard } from "../../src/client/dashboard.js";
import type { Notice } from "../../src/client/notices.js";
import type { Command } from "../../src/commands.js";
import type { PresenceUpdateFrame } from "../../src/frames.js";
import { asChunks } from "../../src/parts/chunks.js";
import { Fold } from "../../src/parts/fold.js";
import { textOf } from "../../src/parts/message.js";
import type { Transcript } from "../vectors.js";

const isVariable = (value: unknown): value is string => typeof value === "string" && /^\$[a-z]\w*$/.test(value);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The values of a transcript's variables, such as `$hello`: bound where they first appear. */
class Names {
  readonly #bound = new Map<string, unknown>();

  fill(pattern: unknown): unknown {
    if (Array.isArray(pattern)) return pattern.map((item) => this.fill(item));
    if (isVariable(pattern)) {
      if (!this.#bound.has(pattern)) this.#bound.set(pattern, pattern.slice(1));
      return this.#bound.get(pattern);
    }
    if (!isObject(pattern)) return pattern;
    return Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, this.fill(value)]));
  }

  /** Check that a value is what the pattern says, and bind what is new in it. */
  match(pattern: unknown, value: unknown): void {
    this.#bind(pattern, value);
    expect(value).toEqual(this.fill(pattern));
  }

  #bind(pattern: unknown, value: unknown): void {
    if (isVariable(pattern)) {
      if (!this.#bound.has(pattern)) this.#bound.set(pattern, value);
    } else if (isObject(pattern) && isObject(value)) {
      for (const key of Object.keys(pattern)) this.#bind(pattern[key], value[key]);
    }
  }
}

const FRAMES: ReadonlySet<string> = new Set(["stream.chunk", "stream.status", "stream.end", "event"]);
// The notices of the Python core are classes; a transcript names them so.
const classOf = (type: string): string => type.charAt(0).toUpperCase() + type.slice(1);

export class Replay {
  readonly #names = new Names();
  readonly #core: ClientConnection;
  #now = 0;
  #socket = 0;
  readonly #dialled: number[] = [];
  readonly #closed = new Map<number, number>();
  readonly #sent = new Map<number, string[]>();
  readonly #folds = new Map<string, Fold>();
  readonly #heard: Notice[] = [];
  readonly #dashboard = new Dashboard();

  constructor({ client = {} }: Transcript) {
    let ids = 0;
    const { clientId = "tab_k3", dashboard = true, capabilities = [] } = client;
    const who = { clientId, dashboard, capabilities };
    this.#core = new ClientConnection(who, () => `minted_${(ids += 1)}`, () => 0.5, client.token ?? null);
  }

  run(steps: Transcript["steps"]): void {
    for (const step of steps) {
      const [kind = "", what] = Object.entries(step)[0] ?? [];
      this.#step(kind, what, typeof step.socket === "number" ? step.socket : this.#socket);
    }
    expect([...this.#sent.values()].flat(), "the client sent more").toEqual([]);
  }

  #step(kind: string, what: unknown, socket: number): void {
    switch (kind) {
      case "connect":
        expect(this.#dialled.shift(), "the client did not connect").toBe(what);
        this.#socket = what as number;
        this.#sent.set(this.#socket, []);
        return this.#do(this.#core.opened(this.#socket, this.#now));
      case "send":
        return this.#names.match(what, JSON.parse(this.#sent.get(socket)?.shift() ?? "null"));
      case "receive":
        return this.#do(this.#core.received(socket, JSON.stringify(this.#names.fill(what)), this.#now));
      case "wait":
        return this.#wait((what as number) * 1000);
      case "close":
      case "cut":
        if (!this.#closed.delete(socket)) this.#do(this.#core.closed(socket, what as number, this.#now));
        this.#sent.delete(socket);
        return;
      case "client":
        return this.#do(this.#application(what as Record<string, unknown>));
      case "expect":
        return this.#expect(what as Record<string, unknown>);
      default:
        expect(["lose", "server"]).toContain(kind);
    }
  }

  #application(action: Record<string, unknown>): readonly Notice[] {
    if (action.open) return this.#core.open(this.#now);
    if (action.foreground) return this.#core.foreground(this.#now);
    if (action.presence) return this.#core.presence(action.presence as PresenceUpdateFrame);
    if (action.command) return this.#core.command(action.command as Command, this.#now);
    const { streamId, after } = action.subscribe as { streamId: string; after: number };
    return this.#core.subscribe(streamId, after, this.#now);
  }

  #wait(ms: number): void {
    const until = this.#now + ms;
    for (let due = this.#core.deadline(this.#now); due !== null && due <= until; due = this.#core.deadline(this.#now)) {
      this.#now = Math.max(this.#now, due);
      this.#do(this.#core.tick(this.#now));
    }
    this.#now = until;
  }

  #expect(expected: Record<string, unknown>): void {
    const values: Record<string, unknown> = {
      state: this.#core.state,
      texts: Object.fromEntries([...this.#folds].map(([id, fold]) => [id, textOf(fold.message)])),
      ended: Object.fromEntries(this.#heard.flatMap((n) => (n.type === "stream.end" ? [[n.streamId, n.status]] : []))),
      events: this.#heard.flatMap((notice) => (notice.type === "event" ? [notice.offset] : [])),
      chats: Object.fromEntries(this.#dashboard.view.chats.map((chat) => [chat.chatId, chat.title])),
      unseen: this.#dashboard.view.chats.filter(({ unseen }) => unseen).map(({ chatId }) => chatId),
      notices: this.#heard.flatMap(({ type }) => (FRAMES.has(type) ? [] : [classOf(type)])),
    };
    const found = Object.fromEntries(Object.keys(expected).map((name) => [name, values[name]]));
    expect(found).toEqual(expected);
  }

  #do(notices: readonly Notice[]): void {
    for (const notice of notices) {
      if (notice.type === "refreshed") this.#dashboard.replace(notice.snapshot);
      else if (notice.type === "event") this.#dashboard.apply(notice);
      else if (notice.type === "stream.chunk") {
        const fold = this.#folds.get(notice.streamId) ?? new Fold();
        this.#folds.set(notice.streamId, fold.extend(asChunks(notice.chunks)));
      }
    }
    this.#heard.push(...notices);
    for (const action of this.#core.actions()) {
      if (action.type === "connect") this.#dialled.push(action.link);
      else if (action.type === "close") this.#closed.set(action.link, action.code);
      else this.#sent.get(action.link)?.push(action.text);
    }
  }
}
