/** `ai`'s own `WebSocketChatTransport`, as it comes, against a real server's `/v1/ai-sdk`. */
import { WebSocketChatTransport, type UIMessage } from "ai";
import WebSocket from "ws";
import { afterEach, describe, expect, it, vi } from "vitest";
import { guestSession } from "../../src/sdk/sign-in.js";
import { TestChat, textsOf } from "../ai/chat.js";

const URL_OF_SERVER = process.env.TIDEWIRE_URL ?? "";

/** A page of the vendor's class; what it knows of others it hears over the wire. */
class Page {
  readonly sockets = new Set<WebSocket>();
  readonly frames: { type: string; requestId: string; chunk?: { type: string } }[] = [];
  readonly transport: WebSocketChatTransport<UIMessage>;
  readonly token: string;
  /** Called when a question has just left. */
  onSend: () => void = () => undefined;

  constructor(token: string, params: Record<string, string> = {}) {
    this.token = token;
    const page = this;
    class Socket extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols, { headers: { authorization: `Bearer ${token}` } });
        page.sockets.add(this);
        this.on("message", (data) => page.frames.push(JSON.parse(String(data))));
        this.once("close", () => page.sockets.delete(this));
      }

      override send(data: string): void {
        super.send(data);
        if (JSON.parse(data).type === "send") page.onSend();
      }
    }
    this.transport = new WebSocketChatTransport({ url: `${URL_OF_SERVER}/v1/ai-sdk`, webSocket: Socket as never, params });
  }

  chat(id: string, messages: UIMessage[] = []): TestChat {
    return new TestChat(id, this.transport, messages);
  }

  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }
}

const open: Page[] = [];

async function page(token?: string, params?: Record<string, string>): Promise<Page> {
  const found = new Page(token ?? (await guestSession(URL_OF_SERVER, fetch)).token, params);
  open.push(found);
  return found;
}

afterEach(() => {
  for (const each of open.splice(0)) each.transport.close();
});

/** The server's own account of a chat, over the other socket. */
async function stored(token: string, chatId: string): Promise<UIMessage[]> {
  const socket = new WebSocket(`${URL_OF_SERVER.replace("http", "ws")}/v1/socket`, "tidewire.v1");
  const answer = await new Promise<{ result: { messages: UIMessage[] } }>((resolve, reject) => {
    socket.once("open", () => {
      socket.send(JSON.stringify({ type: "hello", id: "h", clientId: "witness", token, snapshot: "never" }));
    });
    socket.on("error", reject);
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      if (frame.type === "welcome") socket.send(JSON.stringify({ type: "chat.get", id: "g", chatId }));
      else if (frame.id === "g") resolve(frame.result === undefined ? { result: { messages: [] } } : frame);
    });
  });
  socket.close();
  return answer.result.messages;
}

const shape = (messages: UIMessage[]) => messages.map(({ id, role, parts }) => ({ id, role, parts }));
const statusOf = (message: UIMessage | undefined) => (message?.metadata as { status?: string } | undefined)?.status;
const options = (tokens: number, more: object = {}) => ({ body: { options: { tokens, pace: 100, ...more } } });
const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000 });
const ended = async (token: string, chatId: string, count = 2) => {
  await vi.waitFor(async () => expect(await stored(token, chatId)).toHaveLength(count), { timeout: 20_000 });
  return stored(token, chatId);
};

describe("the vendor's own transport", { timeout: 60_000 }, () => {
  it("sends, and shows what is stored", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    await chat.sendMessage({ text: "What is Tidewire?" }, options(30));
    expect(chat.status).toBe("ready");
    expect(shape(chat.messages)).toEqual(shape(await stored(own.token, "chat_1")));
    expect(statusOf(chat.messages[1])).toBe("completed");
    await chat.sendMessage({ text: "And then?" }, options(10));
    expect(shape(chat.messages)).toEqual(shape(await stored(own.token, "chat_1")));
    expect(own.sockets.size).toBe(1);
  });

  it("stops, and may ask again at once; a second tab sees text-end, abort, end", async () => {
    const own = await page();
    const other = await page(own.token);
    const chat = own.chat("chat_1");
    const sending = chat.sendMessage({ text: "Why?" }, options(2_000));
    await until(() => (textsOf(chat)[1]?.length ?? 0) > 50);
    const watching = other.chat("chat_1", chat.messages.slice(0, 1));
    const resuming = watching.resumeStream();
    await until(() => (textsOf(watching)[1]?.length ?? 0) > 20);
    await chat.stop();
    await sending;
    expect(chat.status).toBe("ready");
    await chat.sendMessage({ text: "Better?" }, options(5));
    await resuming;
    const [, stopped, , answer] = await stored(own.token, "chat_1");
    expect(statusOf(stopped)).toBe("stopped");
    expect(watching.messages[1]?.parts).toEqual(stopped?.parts);
    expect(chat.messages.at(-1)?.id).toBe(answer?.id);
    expect(statusOf(answer)).toBe("completed");
    const seen = other.frames.map(({ type, chunk }) => chunk?.type ?? type);
    expect(seen.slice(-5)).toEqual(["text-end", "finish-step", "message-metadata", "abort", "end"]);
  });

  it("stops a question that was sent a moment ago", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    own.onSend = () => void chat.stop();
    await chat.sendMessage({ text: "Why?" }, options(2_000));
    expect(chat.status).toBe("ready");
    expect(statusOf((await ended(own.token, "chat_1"))[1])).toBe("stopped");
  });

  it("regenerates: a new message id, and the old version is kept", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    await chat.sendMessage({ text: "Why?" }, options(10));
    const before = chat.messages[1]?.id;
    await chat.regenerate(options(10));
    expect(chat.messages).toHaveLength(2);
    expect(chat.messages[1]?.id).not.toBe(before);
    await chat.regenerate({ messageId: chat.messages[1]!.id, ...options(10) });
    const now = await stored(own.token, "chat_1");
    expect(shape(chat.messages)).toEqual(shape(now));
    const versions = (now[1]?.metadata as { versions: { ids: string[] } }).versions;
    expect(versions.ids).toHaveLength(3);
    expect(versions.ids[0]).toBe(before);
  });

  it("edits a question: a sibling, and the page goes on", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    await chat.sendMessage({ text: "Why?" }, options(10));
    await chat.sendMessage({ text: "Why not?", messageId: chat.messages[0]!.id }, options(10));
    expect(textsOf(chat)[0]).toBe("Why not?");
    const now = await stored(own.token, "chat_1");
    expect(now.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(chat.messages[1]?.id).toBe(now[1]?.id);
    expect((now[0]?.metadata as { versions: { ids: string[] } }).versions.ids).toHaveLength(2);
  });

  it("goes on after a refresh, from the start, in few frames", async () => {
    const own = await page();
    const sending = own.chat("chat_1").sendMessage({ text: "Why?" }, options(400));
    const history = await vi.waitFor(async () => {
      const messages = await stored(own.token, "chat_1");
      expect(messages.length).toBeGreaterThan(0);
      return messages.slice(0, 1);
    });
    await until(() => own.frames.length > 20);
    own.cut();
    await sending;
    const fresh = await page(own.token);
    const chat = fresh.chat("chat_1", history);
    await chat.resumeStream();
    expect(chat.status).toBe("ready");
    expect(shape(chat.messages)).toEqual(shape(await stored(own.token, "chat_1")));
    expect(fresh.frames[0]?.type).toBe("start");
    await chat.resumeStream();
    expect(fresh.frames.at(-1)?.type).toBe("no-active");
    expect(chat.status).toBe("ready");
  });

  it("goes on over dropped sockets, and brings an end that came meanwhile", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    const sending = chat.sendMessage({ text: "Why?" }, options(600));
    await until(() => (textsOf(chat)[1]?.length ?? 0) > 50);
    own.cut();
    await sending;
    expect(chat.status).toBe("error");
    const resuming = chat.resumeStream();
    await until(() => chat.status === "streaming");
    own.cut();
    await resuming;
    await ended(own.token, "chat_1");
    await chat.resumeStream();
    expect(chat.status).toBe("ready");
    expect(shape(chat.messages)).toEqual(shape(await stored(own.token, "chat_1")));
  });

  it("takes an abort that is followed by another resume for what it is", async () => {
    const own = await page();
    const asking = own.chat("chat_1").sendMessage({ text: "Why?" }, options(400));
    await until(() => own.frames.length > 5);
    const twice = await page(own.token);
    const chat = twice.chat("chat_1");
    const first = chat.resumeStream();
    await until(() => chat.status === "streaming");
    await Promise.all([first, chat.resumeStream()]);
    await asking;
    const now = await stored(own.token, "chat_1");
    expect(statusOf(now[1])).toBe("completed");
    expect(chat.messages.map(({ parts }) => parts)).toEqual([now[1]?.parts]);
  });

  it("stops from a page that resumed, and only detaches where the page asks for that", async () => {
    const own = await page();
    const asking = own.chat("chat_1").sendMessage({ text: "Why?" }, options(2_000));
    await until(() => own.frames.length > 5);
    const leaving = await page(own.token, { abort: "detach" });
    const left = leaving.chat("chat_1");
    const resumed = left.resumeStream();
    await until(() => left.status === "streaming");
    await left.stop();
    await resumed;
    const stopping = await page(own.token);
    const chat = stopping.chat("chat_1");
    const again = chat.resumeStream();
    await until(() => chat.status === "streaming");
    await chat.stop();
    await Promise.all([again, asking]);
    expect(statusOf((await stored(own.token, "chat_1"))[1])).toBe("stopped");
  });

  it("shows a tool call", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    await chat.sendMessage({ text: "12 * 7" }, options(20, { tool: "calculate" }));
    expect(chat.status).toBe("ready");
    const now = await stored(own.token, "chat_1");
    expect(shape(chat.messages)).toEqual(shape(now));
    expect(now[1]?.parts.map(({ type }) => type)).toContain("tool-calculate");
  });

  it("says it when an answer failed, and tries again", async () => {
    const own = await page();
    const chat = own.chat("chat_1");
    await chat.sendMessage({ text: "Why?" }, options(20, { fault: "midway" }));
    expect(chat.status).toBe("error");
    expect(chat.error?.message).toBe("The model broke off in the middle of its answer. Try again.");
    await chat.sendMessage({ text: "Again" }, { body: { model: "nobody" } });
    expect(chat.status).toBe("error");
    expect(chat.error?.message).toContain("model");
    await chat.regenerate(options(5));
    expect(chat.status).toBe("ready");
    const now = await stored(own.token, "chat_1");
    expect(now.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
    expect(own.sockets.size).toBe(1);
  });

  it("attaches a question that was sent twice to its one answer", async () => {
    const own = await page();
    const other = await page(own.token);
    const question: UIMessage = { id: "q_twice", role: "user", parts: [{ type: "text", text: "Why?" }] };
    const chats = [own.chat("chat_1", []), other.chat("chat_1", [])];
    await Promise.all(chats.map((chat) => chat.sendMessage(question as never, options(40))));
    const now = await stored(own.token, "chat_1");
    expect(now).toHaveLength(2);
    for (const chat of chats) expect(shape(chat.messages)).toEqual(shape(now));
  });
});
