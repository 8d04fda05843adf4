/** The transport and `ai`'s own Chat against a real server; tests/protocol/typescript starts one and names it. */
import WebSocket from "ws";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Chats } from "../../src/ai/chats.js";
import { systemClock } from "../../src/browser.js";
import { Client } from "../../src/sdk/client.js";
import type { Platform } from "../../src/sdk/platform.js";
import { guestSession } from "../../src/sdk/sign-in.js";
import { TestChat, textsOf } from "../ai/chat.js";

const URL = process.env.TIDEWIRE_URL ?? "";

/** A browser tab with sockets that can be cut. */
class Tab {
  readonly sockets = new Set<WebSocket>();
  readonly platform: Platform = {
    openSocket: (url, protocol) => {
      const socket = new WebSocket(url, protocol, { perMessageDeflate: false });
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
      return socket;
    },
    clock: systemClock,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    upload: (url, headers, body) => fetch(url, { method: "POST", headers, body: body as Blob }),
  };
  readonly token: string;
  readonly client: Client;
  readonly chats: Chats<TestChat>;

  constructor(token: string) {
    this.token = token;
    this.client = new Client({ url: URL, platform: this.platform, token });
    this.chats = new Chats(this.client, (id, transport) => new TestChat(id, transport));
    this.client.open();
  }

  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  close(): void {
    this.chats.close();
    this.client.close();
  }

  /** What the server has stored of a chat. */
  async stored(chatId: string) {
    return (await this.client.chat(chatId)).messages;
  }
}

const open: Tab[] = [];

async function tab(token?: string): Promise<Tab> {
  const found = new Tab(token ?? (await guestSession(URL, fetch)).token);
  open.push(found);
  await found.client.ready();
  return found;
}

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

const options = (tokens: number, more: object = {}) => ({ body: { options: { tokens, pace: 100, ...more } } });
const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000 });

describe("a real server", { timeout: 60_000 }, () => {
  it("answers, and stores what was shown", async () => {
    const own = await tab();
    const chat = own.chats.get("chat_1");
    await chat.sendMessage({ text: "What is Tidewire?" }, options(30));
    expect(chat.status).toBe("ready");
    const stored = await own.stored("chat_1");
    expect(chat.messages.map(({ id, parts }) => ({ id, parts }))).toEqual(stored.map(({ id, parts }) => ({ id, parts })));
    expect(stored[1]?.metadata?.status).toBe("completed");
  });

  it("stops, keeps the text, and regenerates another version", async () => {
    const own = await tab();
    const chat = own.chats.get("chat_1");
    const sending = chat.sendMessage({ text: "Why?" }, options(2_000));
    await until(() => (textsOf(chat)[1]?.length ?? 0) > 50);
    await own.chats.transport.stopChat("chat_1");
    await sending;
    expect(chat.status).toBe("ready");
    const [, stopped] = await own.stored("chat_1");
    expect(stopped?.metadata?.status).toBe("stopped");
    expect(chat.messages[1]?.parts).toEqual(stopped?.parts);
    await chat.regenerate(options(10));
    const again = await own.stored("chat_1");
    expect(again).toHaveLength(2);
    expect(again[1]?.id).toBe(chat.messages[1]?.id);
    expect(again[1]?.metadata?.versions?.ids).toHaveLength(2);
  });

  it("goes on over a reload, in a second tab, and over dropped sockets: everybody ends with the same message", async () => {
    const asking = await tab();
    const watching = await tab(asking.token);
    const sending = asking.chats.get("chat_1").sendMessage({ text: "Why?" }, options(150));
    const second = watching.chats.get("chat_1");
    await until(() => (textsOf(second)[1]?.length ?? 0) > 20);
    const reloaded = await tab(asking.token);
    const third = await reloaded.chats.load("chat_1");
    for (let cuts = 0; cuts < 3; cuts += 1) {
      const length = textsOf(third)[1]?.length ?? 0;
      await until(() => (textsOf(third)[1]?.length ?? 0) > length);
      for (const each of [asking, watching, reloaded]) each.cut();
    }
    await sending;
    await until(() => second.status === "ready" && third.status === "ready");
    const stored = (await asking.stored("chat_1")).map(({ id, parts }) => ({ id, parts }));
    expect(stored).toHaveLength(2);
    for (const chat of [asking.chats.get("chat_1"), second, third]) {
      expect(chat.messages.map(({ id, parts }) => ({ id, parts }))).toEqual(stored);
      expect(chat.error).toBeUndefined();
    }
  });

  it("says it when an answer failed, and retries it", async () => {
    const own = await tab();
    const chat = own.chats.get("chat_1");
    await chat.sendMessage({ text: "Why?" }, options(20, { fault: "midway" }));
    expect(chat.status).toBe("error");
    expect(chat.error?.message).toBeTruthy();
    await chat.regenerate({ body: { retry: true, options: { tokens: 5 } } });
    expect(chat.status).toBe("ready");
    expect((await own.stored("chat_1")).at(-1)?.metadata?.status).toBe("completed");
  });

  it("uploads a file that a question names, and the model gets it", async () => {
    const own = await tab();
    const file = await own.client.upload(new File(["The tide turns at noon."], "tides.txt", { type: "text/plain" }));
    const chat = own.chats.get("chat_1");
    await chat.sendMessage({ text: "When?", files: [file.part] }, options(60));
    const [question, answer] = await own.stored("chat_1");
    expect(question?.parts).toContainEqual(file.part);
    expect(JSON.stringify(answer?.parts)).toContain("tides.txt");
  });

  it("lets go on chat.stop() while it is connecting, and finds the answer later", async () => {
    const own = await tab();
    own.cut();
    const chat = own.chats.get("chat_1");
    const sending = chat.sendMessage({ text: "Why?" }, options(40));
    await until(() => chat.status === "submitted");
    await chat.stop();
    await sending;
    expect(chat.status).toBe("ready");
    await until(() => own.client.dashboard.getSnapshot().chats[0]?.lastStatus !== undefined);
    await own.chats.load("chat_1");
    await until(() => textsOf(chat).length === 2 && chat.status === "ready");
    expect(chat.messages.map(({ id }) => id)).toEqual((await own.stored("chat_1")).map(({ id }) => id));
  });
});
