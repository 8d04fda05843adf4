/**
 * A server of one chat in memory, whose frames come in any order that the wire allows, and the client that hears them.
 *
 * Acks, events and the chunks of each stream are lanes of their own: within one, order holds; between them it does not
 * (guarantees 20 and 27), but for an ack that comes before the first chunk of its subscription (guarantees 10 and 25).
 */

import { Client, type DashboardChat, type JsonObject, type Message, type Platform, type SocketLike } from "@tidewire/client";

export const CHAT = "chat_1";
export const OTHER = "other-device";

type Status = "queued" | "streaming" | "stopping" | "completed" | "stopped";
type Frame = JsonObject & { readonly type: string; readonly id: string };

interface Stored extends Message {
  readonly parentId: string | null;
}

interface Stream {
  readonly streamId: string;
  readonly messageId: string;
  readonly questionId: string;
  readonly commandId: string;
  readonly clientId: string;
  readonly question: Stored | null;
  readonly chunks: JsonObject[];
  status: Status;
}

const OVER: readonly Status[] = ["completed", "stopped"];
const refusal = (code: string) => ({ code, message: `${code}.`, retryable: false });

class Refused extends Error {}

/** What the server knows. */
export class World {
  readonly messages = new Map<string, Stored>();
  readonly streams: Stream[] = [];
  readonly events: JsonObject[] = [];
  leafId: string | null = null;
  #version = 0;
  #isKnown = false;

  get chat(): DashboardChat {
    const active = this.active;
    const queue = this.#waiting.map(({ commandId, streamId, question }) => ({ commandId, streamId, messageId: question?.id ?? "", text: "" }));
    return {
      ...{ chatId: CHAT, title: "", pinned: false, archived: false, unseen: false, createdAt: 1 },
      ...{ updatedAt: this.#version, version: this.#version },
      ...(this.leafId ? { leafId: this.leafId } : {}),
      ...(active ? { activeStreamId: active.streamId } : {}),
      ...(queue.length > 0 ? { queue } : {}),
    };
  }

  get active(): Stream | undefined {
    return this.streams.find(({ status }) => status === "streaming" || status === "stopping");
  }

  get #waiting(): Stream[] {
    return this.streams.filter(({ status }) => status === "queued");
  }

  /** The shown branch, without what is being written. */
  get history(): Stored[] {
    const path: Stored[] = [];
    for (let id = this.leafId; id !== null; ) {
      const message = this.messages.get(id) ?? this.#placeholder(id);
      path.unshift(message);
      id = message.parentId;
    }
    return path.filter(({ id }) => this.messages.has(id));
  }

  #placeholder(id: string): Stored {
    const stream = this.streams.find(({ messageId }) => messageId === id);
    return { id, role: "assistant", parts: [], parentId: stream?.questionId ?? null };
  }

  emit(name: string, source: string | null, data: JsonObject = {}): void {
    this.#version += 1;
    const by = source === null ? {} : { sourceClientId: source };
    const whole = { chatId: CHAT, chat: this.chat, ...data };
    this.events.push({ type: "event", offset: this.events.length + 1, name, time: 1, ...by, data: whole });
  }

  /** Carry out a command; throws `Refused`. */
  do(frame: Frame, clientId: string): JsonObject {
    if ((frame.chatId ?? CHAT) !== CHAT) throw new Refused("not_found");
    const text = (name: string) => frame[name] as string;
    switch (frame.type) {
      case "message.send":
        return this.#ask(frame, clientId, this.leafId);
      case "message.edit":
        return this.#ask(frame, clientId, this.#stored(text("messageId")).parentId);
      case "message.regenerate":
      case "message.retry":
        return this.#start(this.#accept(frame, clientId, null, this.#stored(text("messageId")).parentId ?? ""), clientId);
      case "message.select":
        this.leafId = this.#deepest(this.#stored(text("messageId")).id);
        this.emit("chat.updated", clientId);
        return {};
      case "stream.stop":
        return this.#stop(frame);
      case "chat.get": {
        if (!this.#isKnown) throw new Refused("not_found");
        const { active, chat } = this;
        const running = active && { ...this.#place(active), status: active.status, seq: active.chunks.length, startedAt: 1 };
        const messages = this.history.map(({ parentId: _, ...message }) => message);
        return { chat, messages, ...(running ? { activeStream: running } : {}) };
      }
      default:
        throw new Refused("unknown_type");
    }
  }

  #stored(id: string): Stored {
    const message = this.messages.get(id);
    if (!message) throw new Refused("not_found");
    return message;
  }

  #deepest(id: string): string {
    const below = [...this.messages.values()].filter(({ parentId }) => parentId === id).at(-1);
    return below ? this.#deepest(below.id) : id;
  }

  #place({ streamId, messageId }: Stream) {
    return { streamId, chatId: CHAT, messageId };
  }

  #ask(frame: Frame, clientId: string, parentId: string | null): JsonObject {
    const question = { ...(frame.message as Message), parentId };
    if (this.messages.has(question.id)) throw new Refused("message_conflict");
    return this.#start(this.#accept(frame, clientId, question, question.id), clientId);
  }

  #start(stream: Stream, clientId: string): JsonObject {
    if (stream.status !== "queued") return this.#begin(stream);
    this.emit("chat.updated", clientId);
    return this.#result(stream);
  }

  #accept(frame: Frame, clientId: string, question: Stored | null, questionId: string): Stream {
    const { active } = this;
    if (active && frame.ifActive === undefined) throw new Refused("stream_active");
    if (active && frame.ifActive === "stop") this.end(active, "stopped");
    const number = this.streams.length + 1;
    const stream: Stream = {
      ...{ streamId: `str_${number}`, messageId: `answer_${number}`, questionId, commandId: frame.id, clientId, question },
      ...{ chunks: [], status: this.active || this.#waiting.length > 0 ? ("queued" as const) : ("streaming" as const) },
    };
    this.streams.push(stream);
    return stream;
  }

  #begin(stream: Stream): JsonObject {
    const { question, questionId, messageId, streamId, clientId, commandId } = stream;
    stream.status = "streaming";
    if (question) {
      if (!this.#isKnown) this.emit("chat.created", clientId);
      this.#isKnown = true;
      const { parentId, ...message } = question;
      this.messages.set(question.id, question);
      this.leafId = question.id;
      this.emit("message.created", clientId, { message, ...(parentId ? { parentId } : {}) });
    }
    this.leafId = messageId;
    this.emit("stream.started", clientId, { streamId, messageId, commandId });
    const metadata = { status: "streaming", parentId: questionId };
    const start = { type: "start", messageId, messageMetadata: metadata };
    stream.chunks.push(start, { type: "start-step" }, { type: "text-start", id: "t" });
    return this.#result(stream);
  }

  #result(stream: Stream): JsonObject {
    const { question, status } = stream;
    const asked = question ? { userMessageId: question.id } : {};
    return { ...this.#place(stream), ...asked, status: status === "queued" ? "queued" : "streaming", seq: stream.chunks.length };
  }

  say(stream: Stream, delta: string): void {
    stream.chunks.push({ type: "text-delta", id: "t", delta });
  }

  #stop({ streamId, commandId }: Frame): JsonObject {
    const named = (each: Stream) => each.streamId === streamId || each.commandId === commandId;
    const stream = this.streams.find(named) ?? this.active;
    if (!stream) throw new Refused("not_found");
    if (stream.status === "queued") {
      stream.status = "stopped";
      this.emit("chat.updated", null);
    } else if (stream.status === "streaming") stream.status = "stopping";
    return { streamId: stream.streamId, status: stream.status };
  }

  /** An answer ends; whoever waits is next. */
  end(stream: Stream, status: "completed" | "stopped"): void {
    stream.chunks.push({ type: "text-end", id: "t" }, { type: "finish-step" }, { type: "finish" });
    stream.status = status;
    const { messageId, questionId: parentId, streamId } = stream;
    const text = stream.chunks.map((chunk) => (chunk.type === "text-delta" ? chunk.delta : "")).join("");
    this.messages.set(messageId, { id: messageId, role: "assistant", parts: [{ type: "text", text, state: "done" }], metadata: { status }, parentId });
    this.emit("stream.ended", null, { streamId, messageId, status });
    const next = this.#waiting[0];
    if (next) this.#begin(this.#below(next));
  }

  /** A question that waited hangs below what is shown when its turn comes. */
  #below(stream: Stream): Stream {
    const question = stream.question && { ...stream.question, parentId: this.leafId };
    const begun = { ...stream, question };
    this.streams[this.streams.indexOf(stream)] = begun;
    return begun;
  }
}

/** One socket: what the client sent, and what is under way to it. */
class Line implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly up: Frame[] = [];
  readonly acks: JsonObject[] = [];
  readonly cursors = new Map<string, number>();
  offset = 0;
  isGreeted = false;

  send(text: string): void {
    this.up.push(JSON.parse(text) as Frame);
  }

  close(): void {}

  tell(frame: JsonObject): void {
    (this.onmessage as ((event: { data: string }) => void) | null)?.({ data: JSON.stringify(frame) });
  }
}

/** The client and its way to the world; every step is a choice of the test. */
export class House {
  readonly world = new World();
  readonly client: Client;
  readonly #results = new Map<string, JsonObject>();
  readonly #timers = new Set<{ at: number; callback: () => void }>();
  #line = new Line();
  #now = 1_000_000;
  #bytes = 0;

  constructor() {
    const platform: Platform = {
      openSocket: () => (this.#line = new Line()),
      clock: {
        now: () => this.#now,
        unixMs: () => 1_790_000_000_000 + this.#now,
        after: (ms, callback) => {
          const timer = { at: this.#now + ms, callback };
          this.#timers.add(timer);
          return () => this.#timers.delete(timer);
        },
      },
      randomBytes: (count) => Array.from({ length: count }, () => (this.#bytes = (this.#bytes * 7 + 11) % 65_537) % 256),
    };
    this.client = new Client({ url: "http://house", platform });
    this.client.open();
  }

  /** Every kind of thing that can happen to the frames now. */
  get steps(): (() => void)[] {
    const line = this.#line;
    const steps: (() => void)[] = [];
    if (line.onopen) steps.push(() => this.#opened(line));
    if (line.up.length > 0) steps.push(() => this.#hear(line));
    if (line.acks.length > 0) steps.push(() => this.#ack(line));
    if (!line.isGreeted) return steps;
    if (line.offset < this.world.events.length) steps.push(() => line.tell(this.world.events[line.offset++] ?? {}));
    for (const [streamId, at] of line.cursors) {
      const stream = this.world.streams.find((each) => each.streamId === streamId);
      if (stream && (at < stream.chunks.length || OVER.includes(stream.status))) steps.push(() => this.#chunk(line, stream, at));
    }
    return steps;
  }

  #opened(line: Line): void {
    const opened = line.onopen as ((event?: unknown) => void) | null;
    line.onopen = null;
    opened?.();
  }

  #hear(line: Line): void {
    const frame = line.up.shift();
    if (!frame || frame.type === "presence.update" || frame.type === "pong") return;
    if (frame.type === "hello") return line.tell(this.#welcome(line, frame));
    try {
      line.acks.push({ type: "ack", id: frame.id, result: this.#carryOut(frame) });
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure;
      line.acks.push({ type: "error", id: frame.id, error: refusal(failure.message) });
    }
  }

  #carryOut(frame: Frame): JsonObject {
    if (frame.type === "stream.subscribe") return this.#follow(frame.streamId as string);
    if (frame.type === "stream.unsubscribe") return {};
    const result = this.#results.get(frame.id) ?? this.world.do(frame, this.client.clientId);
    if (frame.type !== "chat.get") this.#results.set(frame.id, result);
    return { ...result, ...(frame.type.startsWith("message.") && frame.subscribe !== false ? { follows: true } : {}) };
  }

  #follow(streamId: string): JsonObject {
    const stream = this.world.streams.find((each) => each.streamId === streamId);
    if (!stream) throw new Refused("not_found");
    const { messageId, status, chunks } = stream;
    return { streamId, chatId: CHAT, messageId, status, seq: chunks.length, follows: true, after: 0 };
  }

  /** An ack is a barrier: what it subscribes to comes behind it. */
  #ack(line: Line): void {
    const frame = line.acks.shift() ?? {};
    const { follows, streamId } = (frame.result ?? {}) as { follows?: boolean; streamId?: string };
    if (follows && streamId !== undefined && !line.cursors.has(streamId)) line.cursors.set(streamId, 0);
    line.tell(frame);
  }

  #chunk(line: Line, { streamId, messageId, chunks, status }: Stream, at: number): void {
    const seq = Math.min(chunks.length, at + 2);
    if (at < chunks.length) {
      line.cursors.set(streamId, seq);
      return line.tell({ type: "stream.chunk", streamId, prev: at, seq, chunks: chunks.slice(at, seq) });
    }
    line.cursors.delete(streamId);
    line.tell({ type: "stream.end", streamId, chatId: CHAT, messageId, seq, status });
  }

  #welcome(line: Line, hello: Frame): JsonObject {
    const { events } = this.world;
    const at = hello.events as { offset: number } | undefined;
    const given = (hello.streams ?? []) as { streamId: string; after: number }[];
    line.isGreeted = true;
    line.offset = at?.offset ?? events.length;
    const streams = given.map(({ streamId, after }) => {
      const stream = this.world.streams.find((each) => each.streamId === streamId);
      line.cursors.set(streamId, after);
      return { streamId, status: stream?.status, seq: stream?.chunks.length };
    });
    const chats = this.world.leafId === null ? [] : [this.world.chat];
    const snapshot = { epoch: "e", offset: events.length, chats, projects: [], models: [] };
    return {
      ...{ type: "welcome", id: hello.id, protocol: "tidewire.v1", connectionId: "c", userId: "u", node: "n", serverTime: 1 },
      ...{ capabilities: [], heartbeat: { intervalMs: 25_000, timeoutMs: 10_000 }, flow: { windowBytes: 16_384 } },
      ...{ limits: {}, auth: { method: "cookie" }, activeStreams: [], streams },
      ...{ events: { epoch: "e", offset: events.length, recovered: at !== undefined } },
      ...(at === undefined ? { snapshot } : {}),
    };
  }

  /** The socket dies with everything under way; the next one opens. */
  async cut(): Promise<void> {
    const line = this.#line;
    if (!line.isGreeted) return;
    (line.onclose as ((event: { code: number }) => void) | null)?.({ code: 1006 });
    for (let tries = 0; tries < 50 && this.#line === line; tries += 1) {
      const [next] = [...this.#timers].sort((one, other) => one.at - other.at);
      if (!next) return;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settled();
    }
  }
}

/** Let everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}
