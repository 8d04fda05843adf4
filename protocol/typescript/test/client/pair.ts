/** A client core and its servers, joined by links that can be slow, lossy and cut; time is a number. */
import { expect } from "vitest";
import { ClientConnection } from "../../src/client/connection.js";
import { Dashboard } from "../../src/client/dashboard.js";
import type { Introduction } from "../../src/client/greeting.js";
import type { Notice } from "../../src/client/notices.js";
import type { ClientFrame, ServerFrame, StreamEndFrame } from "../../src/frames.js";
import { asChunks } from "../../src/parts/chunks.js";
import { Fold } from "../../src/parts/fold.js";
import { textOf } from "../../src/parts/message.js";
import { Peer, World } from "./peer.js";

/** One socket: what is under way in both directions. */
interface Line {
  readonly peer: Peer;
  readonly up: string[];
  readonly down: ServerFrame[];
}

interface Options extends Partial<Introduction> {
  readonly random?: () => number;
  readonly token?: string;
}

type NoticeOf<T extends Notice["type"]> = Extract<Notice, { readonly type: T }>;

/** The core under test, the application above it and the server below it. */
export class Pair {
  readonly world = new World();
  readonly core: ClientConnection;
  now = 1_000_000;
  cut = (_at: number, head: number): number => head;
  readonly lines = new Map<number, Line>();
  connecting: number[] = [];
  readonly closed: [number, number][] = [];
  readonly notices: Notice[] = [];
  readonly folds = new Map<string, Fold>();
  readonly ended = new Map<string, StreamEndFrame>();
  readonly dashboard = new Dashboard();

  constructor({ random = () => 0.5, token, ...who }: Options = {}) {
    let ids = 0;
    const mint = () => `cmd_${(ids += 1)}`;
    this.core = new ClientConnection({ clientId: "tab_1", dashboard: true, ...who }, mint, random, token);
  }

  /** What an application does: fold, keep the dashboard; then the driver acts. */
  take(notices: readonly Notice[]): readonly Notice[] {
    for (const notice of notices) this.#notice(notice);
    this.notices.push(...notices);
    for (const action of this.core.actions()) {
      if (action.type === "connect") this.connecting.push(action.link);
      else if (action.type === "send") this.lines.get(action.link)?.up.push(action.text);
      else {
        this.lines.delete(action.link);
        this.connecting = this.connecting.filter((number) => number !== action.link);
        this.closed.push([action.link, action.code]);
      }
    }
    return notices;
  }

  #notice(notice: Notice): void {
    if (notice.type === "stream.chunk") {
      expect(this.ended.has(notice.streamId), "a chunk came after the end").toBe(false);
      const fold = this.folds.get(notice.streamId) ?? new Fold();
      this.folds.set(notice.streamId, fold.extend(asChunks(notice.chunks)));
    } else if (notice.type === "stream.end") {
      expect(this.ended.has(notice.streamId), "a stream ended twice").toBe(false);
      this.ended.set(notice.streamId, notice);
    } else if (notice.type === "refreshed") this.dashboard.replace(notice.snapshot);
    else if (notice.type === "event") this.dashboard.apply(notice);
  }

  /** Every connect that is under way succeeds. */
  accept(): void {
    const waiting = this.connecting;
    this.connecting = [];
    for (const number of waiting) {
      this.lines.set(number, { peer: new Peer(this.world, (at, head) => this.cut(at, head)), up: [], down: [] });
      this.take(this.core.opened(number, this.now));
    }
  }

  /** The server reads one frame. */
  up(number = this.main): void {
    const { peer, up, down } = this.line(number);
    const frame = up.shift();
    if (frame !== undefined) down.push(...peer.receive(JSON.parse(frame) as ClientFrame));
  }

  /** The client reads one frame. */
  down(number = this.main): readonly Notice[] {
    const frame = this.line(number).down.shift();
    return frame === undefined ? [] : this.send(frame, number);
  }

  /** The server says something of its own, and the client reads it now. */
  send(frame: ServerFrame, number = this.main): readonly Notice[] {
    return this.take(this.core.received(number, JSON.stringify(frame), this.now));
  }

  /** A socket dies with everything that was under way on it. */
  break(number = this.main, code = 1006): readonly Notice[] {
    this.lines.delete(number);
    this.connecting = this.connecting.filter((each) => each !== number);
    return this.take(this.core.closed(number, code, this.now));
  }

  /** Let everything that can happen now happen. */
  settle(): void {
    for (let busy = true; busy; ) {
      busy = this.connecting.length > 0;
      this.accept();
      for (const [number, line] of [...this.lines]) {
        line.down.push(...line.peer.pump());
        for (; line.up.length > 0 && this.lines.has(number); busy = true) this.up(number);
        for (; line.down.length > 0 && this.lines.has(number); busy = true) this.down(number);
      }
    }
  }

  /** Time passes. */
  wait(ms: number): readonly Notice[] {
    this.now += ms;
    return this.take(this.core.tick(this.now));
  }

  /** Time passes until the core wants to be woken. */
  waitUntilDue(): readonly Notice[] {
    const due = this.core.deadline(this.now);
    if (due === null) throw new Error("the core waits for nothing");
    return this.wait(Math.max(0, due - this.now));
  }

  /** Lose every socket once more, then let everything arrive: what a faulty link swallowed comes now. */
  heal(): void {
    for (const number of [...this.lines.keys(), ...this.connecting]) this.break(number);
    for (let tries = 0; tries < 40 && this.core.state !== "ready"; tries += 1) {
      this.waitUntilDue();
      this.settle();
    }
    this.settle();
  }

  /** The network dies and comes back. */
  reconnect(): this {
    this.break();
    this.waitUntilDue();
    this.settle();
    return this;
  }

  /** Open and greet. */
  connected(): this {
    this.take(this.core.open(this.now));
    this.settle();
    expect(this.core.state).toBe("ready");
    return this;
  }

  /** The newest socket. */
  get main(): number {
    return Math.max(...this.lines.keys());
  }

  line(number = this.main): Line {
    const line = this.lines.get(number);
    if (!line) throw new Error(`there is no socket ${number}`);
    return line;
  }

  /** What the server of a socket received, of one type. */
  heard<T extends ClientFrame["type"]>(type: T, number = this.main): Extract<ClientFrame, { readonly type: T }>[] {
    type Found = Extract<ClientFrame, { readonly type: T }>;
    return this.line(number).peer.received.filter((frame): frame is Found => frame.type === type);
  }

  /** What the application was told, of one type. */
  told<T extends Notice["type"]>(type: T): NoticeOf<T>[] {
    return this.notices.filter((notice): notice is NoticeOf<T> => notice.type === type);
  }

  text(streamId = "str_1"): string {
    const fold = this.folds.get(streamId);
    return fold ? textOf(fold.message) : "";
  }
}

/** A client that follows a stream of two words. */
export function following(streamId = "str_1", options: Options = {}): Pair {
  const pair = new Pair(options);
  pair.world.log(streamId).say("one ", "two ");
  pair.take(pair.core.subscribe(streamId, 0, pair.now));
  return pair.connected();
}
