/** A server small enough to read: streams, events and a dashboard in memory, speaking the wire to client tests. */
import type {
  ClientFrame,
  DashboardChat,
  DashboardSnapshot,
  ErrorObject,
  EventFrame,
  HelloFrame,
  JsonObject,
  ServerFrame,
  WelcomeFrame,
} from "../../src/frames.js";
import type { StreamStatus } from "../../src/lifecycle.js";
import type { Chunk } from "../../src/parts/chunks.js";
import { coalesce } from "../../src/parts/coalesce.js";

/** One generation. */
export class Log {
  readonly chunks: Chunk[] = [];
  readonly streamId: string;
  readonly chatId: string;
  readonly messageId: string;
  status: StreamStatus = "streaming";

  constructor(streamId: string, chatId: string) {
    this.streamId = streamId;
    this.chatId = chatId;
    this.messageId = `msg_${streamId}`;
    this.chunks.push({ type: "start", messageId: this.messageId }, { type: "start-step" }, { type: "text-start", id: "t" });
  }

  say(...words: string[]): this {
    this.chunks.push(...words.map((delta) => ({ type: "text-delta" as const, id: "t", delta })));
    return this;
  }

  finish(status: StreamStatus = "completed"): this {
    const last: Chunk = status === "stopped" ? { type: "abort", reason: "user" } : { type: "finish", finishReason: "stop" };
    this.chunks.push({ type: "text-end", id: "t" }, { type: "finish-step" }, last);
    this.status = status;
    return this;
  }

  get isRunning(): boolean {
    return this.status === "streaming" || this.status === "stopping";
  }
}

export const refused = (code: string, retryable = false, more: Partial<ErrorObject> = {}): ErrorObject => ({
  code,
  message: `${code}.`,
  retryable,
  ...more,
});

/** What every node knows: the databases of this server. */
export class World {
  page = 100;
  userId = "usr_1";
  refusal: ErrorObject | null = null; // of everything but a stop, while it is set
  epoch = "e1";
  trimmed = 0; // events up to this offset are gone
  clock = 1_790_000_000_000;
  readonly limits: Record<string, number> = { commandsInFlight: 16, frameBytes: 262_144 };
  readonly logs = new Map<string, Log>();
  readonly events: EventFrame[] = [];
  readonly chats = new Map<string, DashboardChat>();
  readonly results = new Map<string, JsonObject>();
  readonly effects: string[] = [];
  readonly #versions = new Map<string, number>(); // of deleted chats too: an id that comes back goes on counting

  log(streamId = "str_1", chatId = "chat_1"): Log {
    const log = new Log(streamId, chatId);
    this.logs.set(streamId, log);
    return log;
  }

  /** Create or change a chat, with its event. */
  chat(chatId: string, changes: Partial<DashboardChat> = {}): DashboardChat {
    this.clock += 1;
    const old = this.chats.get(chatId);
    const blank = { title: "", pinned: false, archived: false, unseen: false, createdAt: this.clock };
    const chat = { ...blank, ...old, ...changes, chatId, updatedAt: this.clock, version: this.#next(chatId) };
    this.chats.set(chatId, chat);
    this.emit(old ? "chat.updated" : "chat.created", { chatId, chat });
    return chat;
  }

  deleteChat(chatId: string): void {
    this.chats.delete(chatId);
    this.emit("chat.deleted", { chatId, version: this.#next(chatId) });
  }

  emit(name: string, data: JsonObject, sourceClientId?: string): void {
    const source = sourceClientId === undefined ? {} : { sourceClientId };
    this.events.push({ type: "event", offset: this.events.length + 1, name, time: this.clock, ...source, data });
  }

  snapshot(cursor?: string, limit = this.page): DashboardSnapshot {
    const rows = [...this.chats.values()].sort((a, b) => b.updatedAt - a.updatedAt || (a.chatId < b.chatId ? -1 : 1));
    const from = cursor === undefined ? 0 : rows.findIndex((row) => row.chatId === cursor) + 1;
    const page = rows.slice(from, from + limit);
    const last = page.at(-1);
    const more = last && last !== rows.at(-1) ? { nextCursor: last.chatId } : {};
    return { epoch: this.epoch, offset: this.events.length, chats: page, projects: [], models: [], ...more };
  }

  #next(chatId: string): number {
    const version = (this.#versions.get(chatId) ?? 0) + 1;
    this.#versions.set(chatId, version);
    return version;
  }
}

type Result = JsonObject | ErrorObject;
const isRefusal = (result: Result): result is ErrorObject => typeof result.code === "string";

/** One socket of the server. */
export class Peer {
  readonly received: ClientFrame[] = [];
  readonly cursors = new Map<string, number>();
  readonly world: World;
  readonly cut: (at: number, head: number) => number;
  offset = 0;
  #hello: HelloFrame | null = null;

  /** @param cut how far to go in one frame, given the cursor and the head of a log. */
  constructor(world: World, cut: (at: number, head: number) => number) {
    this.world = world;
    this.cut = cut;
  }

  /** The next frame of every stream and every event that this socket lacks. */
  pump(): ServerFrame[] {
    if (!this.#hello) return [];
    const frames: ServerFrame[] = this.world.events.slice(this.offset);
    this.offset = this.world.events.length;
    for (const [streamId, at] of [...this.cursors]) {
      const log = this.world.logs.get(streamId);
      if (log) frames.push(...this.#stream(log, at));
    }
    return frames;
  }

  #stream(log: Log, at: number): ServerFrame[] {
    const { streamId, chatId, messageId, status } = log;
    if (at < log.chunks.length) {
      const seq = this.cut(at, log.chunks.length);
      this.cursors.set(streamId, seq);
      const chunks = coalesce(log.chunks.slice(at, seq)) as unknown as JsonObject[];
      return [{ type: "stream.chunk", streamId, prev: at, seq, chunks }];
    }
    if (log.isRunning) return [];
    this.cursors.delete(streamId);
    return [{ type: "stream.end", streamId, chatId, messageId, seq: at, status, finishReason: "stop" }];
  }

  /** Answer one frame. */
  receive(frame: ClientFrame): ServerFrame[] {
    this.received.push(frame);
    if (frame.type === "hello") return [this.#welcome(frame)];
    if (frame.type === "ping") return [{ type: "pong", id: frame.id }];
    if (frame.type === "pong" || frame.type === "presence.update") return [];
    const known = this.world.results.get(frame.id);
    const result = known ?? this.#carryOut(frame);
    if (isRefusal(result)) return [{ type: "error", id: frame.id, error: result }];
    if (frame.type === "message.send") this.cursors.set(String(result.streamId), 0);
    return [{ type: "ack", id: frame.id, result, ...(known ? { duplicate: true } : {}) }];
  }

  #welcome(hello: HelloFrame): WelcomeFrame {
    this.#hello = hello;
    const { world } = this;
    const head = world.events.length;
    const given = hello.events;
    const recovered = given?.epoch === world.epoch && world.trimmed <= given.offset && given.offset <= head;
    this.offset = recovered && given ? given.offset : head;
    return {
      type: "welcome",
      id: hello.id,
      protocol: "tidewire.v1",
      connectionId: "con_1",
      userId: world.userId,
      node: "n1",
      serverTime: world.clock,
      capabilities: [],
      heartbeat: { intervalMs: 25_000, timeoutMs: 10_000 },
      flow: { windowBytes: 16_384 },
      limits: world.limits,
      auth: { method: "bearer" },
      events: { epoch: world.epoch, offset: head, recovered },
      activeStreams: [],
      streams: (hello.streams ?? []).map(({ streamId, after }) => {
        const result = this.#follow(streamId, after);
        if (isRefusal(result)) return { streamId, error: result };
        return { streamId, status: result.status as StreamStatus, seq: Number(result.seq) };
      }),
      ...(recovered || hello.snapshot === "never" ? {} : { snapshot: world.snapshot() }),
    };
  }

  #follow(streamId: string, after: number): Result {
    const log = this.world.logs.get(streamId);
    if (!log) return refused("not_found");
    if (after > log.chunks.length) return refused("position_invalid");
    this.cursors.set(streamId, after);
    const { chatId, messageId, status } = log;
    return { streamId, chatId, messageId, status, seq: log.chunks.length };
  }

  #carryOut(frame: Exclude<ClientFrame, { type: "hello" | "ping" | "pong" | "presence.update" }>): Result {
    const { world } = this;
    switch (frame.type) {
      case "stream.subscribe":
        return this.#follow(frame.streamId, frame.after);
      case "stream.unsubscribe":
        this.cursors.delete(frame.streamId);
        return {};
      case "events.resume": {
        const head = world.events.length;
        const recovered = frame.epoch === world.epoch && world.trimmed <= frame.offset && frame.offset <= head;
        this.offset = recovered ? frame.offset : head;
        return { epoch: world.epoch, offset: head, recovered };
      }
      case "dashboard.get":
        return { ...world.snapshot(frame.cursor, frame.limit) };
      case "auth.refresh":
        return { expiresAt: world.clock };
      case "chat.get": {
        const chat = world.chats.get(frame.chatId);
        if (!chat) return refused("not_found");
        const running = [...world.logs.values()].find((log) => log.chatId === frame.chatId && log.isRunning);
        const seq = running?.chunks.length;
        const active = running && { activeStream: { ...running, chunks: undefined, seq, startedAt: world.clock } };
        return { chat, messages: [], ...active };
      }
      default:
        return this.#change(frame);
    }
  }

  #change(frame: ClientFrame & { readonly id: string }): Result {
    const result = this.#effect(frame);
    if (!isRefusal(result)) {
      this.world.effects.push(frame.id);
      this.world.results.set(frame.id, result);
    }
    return result;
  }

  #effect(frame: ClientFrame): Result {
    const { world } = this;
    if (world.refusal && frame.type !== "stream.stop") return world.refusal;
    switch (frame.type) {
      case "message.send": {
        const { streamId, messageId, chatId } = world.log(`str_${world.logs.size + 1}`, frame.chatId);
        const chat = world.chat(chatId, { activeStreamId: streamId });
        world.emit("message.created", { chatId, chat, message: frame.message }, this.#hello?.clientId);
        world.emit("stream.started", { chatId, chat, streamId, messageId, commandId: frame.id }, this.#hello?.clientId);
        return { chatId, userMessageId: frame.message.id, messageId, streamId, status: "streaming", seq: 0 };
      }
      case "stream.stop": {
        const streamId = frame.streamId ?? world.results.get(frame.commandId ?? "")?.streamId;
        const named = (each: Log) => each.streamId === streamId || (each.chatId === frame.chatId && each.isRunning);
        const log = [...world.logs.values()].find(named);
        if (log?.isRunning) log.finish("stopped");
        return log ? { streamId: log.streamId, status: log.status } : refused("not_found");
      }
      case "chat.update":
        return { version: world.chat(frame.chatId, frame.title === undefined ? {} : { title: frame.title }).version };
      default:
        return refused("unknown_type");
    }
  }
}
