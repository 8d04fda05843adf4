/** A place for clients to live in: sockets to a server in memory, a clock that is moved by hand, a storage. */
import type { ClientFrame } from "../../src/frames.js";
import { Client, type ClientOptions } from "../../src/sdk/client.js";
import type { Clock, Platform, Signal, SocketLike, Storage } from "../../src/sdk/platform.js";
import { Peer, World } from "../client/peer.js";

type Handler = ((event: never) => void) | null;

class Socket implements SocketLike {
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  readonly up: string[] = [];
  readonly peer: Peer;

  constructor(world: World) {
    this.peer = new Peer(world, (_at, head) => head);
  }

  send(text: string): void {
    this.up.push(text);
  }

  /** What closes a socket is told to the application a little later, as browsers do. */
  close(code = 1005): void {
    void Promise.resolve().then(() => (this.onclose as ((event: { code: number }) => void) | null)?.({ code }));
  }

  tell(frame: object): void {
    (this.onmessage as ((event: { data: string }) => void) | null)?.({ data: JSON.stringify(frame) });
  }
}

/** Time that stands until it is moved. */
class HandClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now = (): number => this.#now;
  unixMs = (): number => 1_790_000_000_000 + this.#now;

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Move to the next timer and let it ring. */
  toNext(until = Number.POSITIVE_INFINITY): boolean {
    const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
    if (!next) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
    return true;
  }

  move(ms: number): void {
    const until = this.#now + ms;
    while (this.toNext(until));
    this.#now = until;
  }
}

export class MemoryStorage implements Storage {
  readonly kept = new Map<string, string>();
  getItem = (key: string): string | null => this.kept.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.kept.set(key, value);
  removeItem = (key: string): void => void this.kept.delete(key);
  getAllKeys = (): string[] => [...this.kept.keys()];
}

export class House {
  readonly world = new World();
  readonly clock = new HandClock();
  readonly storage = new MemoryStorage();
  isOnline = true;
  isDeaf = false;
  sockets: Socket[] = [];
  signal: (signal: Signal) => void = () => {};
  #bytes = 0;

  readonly platform: Platform = {
    openSocket: () => this.#open(),
    clock: this.clock,
    randomBytes: (count) => Array.from({ length: count }, () => (this.#bytes += 37) % 251),
    watch: (listener) => {
      this.signal = listener;
      return () => {};
    },
    storage: this.storage,
  };

  client(options: Partial<ClientOptions> = {}): Client {
    return new Client({ url: "http://house", platform: this.platform, ...options });
  }

  /** A client that was greeted. */
  async greeted(options: Partial<ClientOptions> = {}): Promise<Client> {
    const client = this.client(options);
    client.open();
    await this.settle();
    return client;
  }

  #open(): Socket {
    const socket = new Socket(this.world);
    this.sockets.push(socket);
    return socket;
  }

  get socket(): Socket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("there is no socket");
    return socket;
  }

  /** Let everything that can happen now happen. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await Promise.resolve();
      for (const socket of [...this.sockets]) if (this.#turn(socket)) quiet = 0;
    }
  }

  #turn(socket: Socket): boolean {
    if (!this.isOnline) return false;
    let busy = false;
    if (socket.onopen) {
      const opened = socket.onopen as (event?: unknown) => void;
      socket.onopen = null;
      opened();
      busy = true;
    }
    for (let text = socket.up.shift(); text !== undefined; text = socket.up.shift()) {
      for (const frame of socket.peer.receive(JSON.parse(text) as ClientFrame)) {
        if (!this.isDeaf || frame.type === "welcome") socket.tell(frame);
      }
      busy = true;
    }
    for (const frame of socket.peer.pump()) {
      socket.tell(frame);
      busy = true;
    }
    return busy;
  }

  /** Every socket dies; what was under way is lost. */
  cut(code = 1006): void {
    const sockets = this.sockets;
    this.sockets = [];
    for (const socket of sockets) (socket.onclose as ((event: { code: number }) => void) | null)?.({ code });
  }

  /** The network is back, and time passes until the client has tried again. */
  async back(): Promise<void> {
    this.isOnline = true;
    for (let tries = 0; tries < 5 && this.sockets.length === 0; tries += 1) {
      this.clock.toNext();
      await this.settle();
    }
  }

  /** What the server heard on its newest socket, of one type. */
  heard<T extends ClientFrame["type"]>(type: T): Extract<ClientFrame, { readonly type: T }>[] {
    type Found = Extract<ClientFrame, { readonly type: T }>;
    return this.socket.peer.received.filter((frame): frame is Found => frame.type === type);
  }
}
