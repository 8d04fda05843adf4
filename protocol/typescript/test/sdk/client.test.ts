import { describe, expect, it, vi } from "vitest";
import { ClientClosed, CommandRefused, ConnectionStopped, StreamLost } from "../../src/sdk/errors.js";
import { refused } from "../client/peer.js";
import { House } from "./house.js";

describe("an answer", () => {
  it("grows, is watched, read and waited for", async () => {
    const house = new House();
    const client = await house.greeted();
    const sent = client.send("chat_9", "Why?");
    await house.settle();
    const answer = await sent;
    const changed = vi.fn();
    answer.subscribe(changed);
    expect(answer.place).toEqual({ chatId: "chat_9", messageId: "msg_str_1", userMessageId: expect.any(String) });
    expect(client.answerIn("chat_9")).toBe(answer);

    const log = house.world.logs.get("str_1");
    log?.say("one ", "two ");
    await house.settle();
    expect(changed).toHaveBeenCalled();
    expect(answer.getSnapshot()).toBe(answer.getSnapshot());
    expect(answer.getSnapshot()).toMatchObject({ status: "streaming", message: { id: "msg_str_1" } });

    const words: string[] = [];
    const reading = (async () => {
      for await (const piece of answer.text()) words.push(piece);
    })();
    log?.say("three").finish();
    await house.settle();
    await reading;
    const done = await answer.finished();
    expect(words.join("")).toBe("one two three");
    expect(done).toMatchObject({ status: "completed", finishReason: "stop", text: "one two three", error: null });
    expect(client.answerIn("chat_9")).toBeUndefined();
  });

  it("goes on exactly where it stood when the socket died", async () => {
    const house = new House();
    const client = await house.greeted();
    const sent = client.send("chat_9", "Why?");
    await house.settle();
    const answer = await sent;
    house.world.logs.get("str_1")?.say("one ");
    await house.settle();
    house.cut();
    house.world.logs.get("str_1")?.say("two ").finish();
    await house.back();
    expect(house.heard("hello")[0]?.streams).toEqual([{ streamId: "str_1", after: 4 }]);
    expect((await answer.finished()).text).toBe("one two ");
  });

  it("that another tab started is joined from the start, whole", async () => {
    const house = new House();
    house.world.log("str_7", "chat_3").say("early ");
    house.world.chat("chat_3");
    const client = await house.greeted();
    const joining = client.join("chat_3");
    await house.settle();
    const answer = await joining;
    expect(answer?.place?.messageId).toBe("msg_str_7");
    expect(await client.join("chat_3")).toBe(answer);
    house.world.logs.get("str_7")?.finish();
    await house.settle();
    expect((await answer?.finished())?.text).toBe("early ");
  });

  it("is nothing where nothing runs, or where there is no chat", async () => {
    const house = new House();
    house.world.chat("quiet");
    const client = await house.greeted();
    const joining = [client.join("quiet"), client.join("unknown")];
    await house.settle();
    expect(await Promise.all(joining)).toEqual([null, null]);
  });

  it("that cannot be followed any further says so", async () => {
    const house = new House();
    const client = await house.greeted();
    const answer = client.follow("gone");
    await house.settle();
    await expect(answer.finished()).rejects.toBeInstanceOf(StreamLost);
  });

  it("is let go without being stopped", async () => {
    const house = new House();
    house.world.log("str_7");
    const client = await house.greeted();
    const answer = client.follow("str_7");
    await house.settle();
    client.unfollow(answer);
    await expect(answer.finished()).rejects.toBeInstanceOf(ClientClosed);
    await house.settle();
    expect(house.world.logs.get("str_7")?.isRunning).toBe(true);
    expect(house.heard("stream.unsubscribe")).toHaveLength(1);
  });
});

describe("a command", () => {
  it("that is refused says why, in words for people", async () => {
    const house = new House();
    const client = await house.greeted();
    const seen = client.seen("chat_1", "m");
    await house.settle();
    await expect(seen).rejects.toBeInstanceOf(CommandRefused);
    await expect(seen).rejects.toMatchObject({ message: "unknown_type.", error: { code: "unknown_type" } });
  });

  it("given twice under one id is sent once, and answered twice", async () => {
    const house = new House();
    const client = await house.greeted();
    const both = [1, 2].map(() => client.send("chat_9", "Why?", { commandId: "one", messageId: "q" }));
    await house.settle();
    const [first, second] = await Promise.all(both);
    expect(first).toBe(second);
    expect(house.heard("message.send")).toHaveLength(1);
  });

  it("too large for the server is refused here", async () => {
    const house = new House();
    const client = await house.greeted();
    await expect(client.send("chat_9", "x".repeat(300_000))).rejects.toThrow("at most 256 KB");
    expect(client.outbox.getSnapshot()).toEqual([]);
  });

  it("that waits ends with the client", async () => {
    const house = new House();
    const client = await house.greeted();
    house.isOnline = false;
    const waits = client.chat("chat_1");
    client.close();
    await expect(waits).rejects.toBeInstanceOf(ClientClosed);
  });
});

describe("the connection", () => {
  it("is a store that tells how it stands, and since when", async () => {
    const house = new House();
    const client = house.client();
    const states: string[] = [];
    client.connection.subscribe(() => states.push(client.connection.getSnapshot().state));
    client.open();
    client.open();
    await house.settle();
    expect(await client.ready()).toMatchObject({ userId: "usr_1" });
    const live = client.connection.getSnapshot();
    expect(live).toMatchObject({ state: "ready", isLive: true, userId: "usr_1", retryAt: null });
    house.clock.move(5_000);
    house.cut();
    const lost = client.connection.getSnapshot();
    expect(lost).toMatchObject({ state: "backoff", isLive: false });
    expect(lost.since).toBe(house.clock.unixMs());
    expect(lost.retryAt).toBeGreaterThan(lost.since);
    await house.back();
    expect(states).toEqual(["connecting", "authenticating", "ready", "backoff", "connecting", "authenticating", "ready"]);
  });

  it("stops when the server wants something else first, and goes on once it has it", async () => {
    const house = new House();
    const client = await house.greeted({ token: "old" });
    const sent = client.send("chat_9", "Why?");
    await house.settle();
    const answer = await sent;
    house.cut(4403);
    expect(client.connection.getSnapshot()).toMatchObject({ state: "stopped", retryAt: null });
    await expect(client.ready()).rejects.toBeInstanceOf(ConnectionStopped);
    house.world.logs.get("str_1")?.say("still ").finish();
    client.open();
    await house.settle();
    expect((await answer.finished()).text).toBe("still ");
  });

  it("tries once more with a fresh token when the old one was refused", async () => {
    const house = new House();
    const tokens = ["old", "new", "newest"];
    const client = await house.greeted({ token: () => Promise.resolve(tokens.shift()) });
    house.cut(4401);
    await house.settle();
    expect(house.heard("hello")[0]?.token).toBe("new");
    expect(client.connection.getSnapshot().isLive).toBe(true);
    house.isOnline = false;
    house.cut(4401);
    await house.settle();
    house.cut(4401);
    expect(client.connection.getSnapshot().state).toBe("stopped");
  });

  it("tells whoever waits for the first greeting that there will be none", async () => {
    const house = new House();
    const client = house.client();
    client.open();
    const ready = client.ready();
    house.isOnline = false;
    await house.settle();
    house.cut(4403);
    await expect(ready).rejects.toBeInstanceOf(ConnectionStopped);
  });

  it("tries at once when the page is looked at again", async () => {
    const house = new House();
    const client = await house.greeted();
    house.cut();
    house.signal("visible");
    await house.settle();
    expect(client.connection.getSnapshot().isLive).toBe(true);
  });

  it("says what a person looks at, on every socket", async () => {
    const house = new House();
    const client = await house.greeted();
    client.show("chat_3");
    house.signal("hidden");
    await house.settle();
    expect(house.heard("presence.update")).toMatchObject([
      { visibility: "visible", chatId: "chat_3" },
      { visibility: "hidden", chatId: "chat_3" },
    ]);
    house.cut();
    await house.back();
    expect(house.heard("presence.update")).toMatchObject([{ visibility: "hidden", chatId: "chat_3" }]);
  });

  it("hears nothing more of a socket that it closed", async () => {
    const house = new House();
    const client = await house.greeted();
    const { socket } = house;
    house.sockets = [];
    house.clock.move(35_000); // of silence
    await house.back();
    const notices: string[] = [];
    client.connection.subscribe(() => notices.push(client.connection.getSnapshot().state));
    socket.tell({ type: "event", offset: 1, name: "chat.deleted", time: 0, data: { chatId: "c", version: 1 } });
    socket.close(1006);
    await house.settle();
    expect(socket).toMatchObject({ onopen: null, onmessage: null, onclose: null });
    expect(notices).toEqual([]);
  });

  it("renews its token when it is about to expire", async () => {
    const house = new House();
    const why: string[] = [];
    await house.greeted({
      token: (reason) => {
        why.push(reason);
        return Promise.resolve(`token for ${reason}`);
      },
    });
    house.socket.tell({ type: "auth.expiring", expiresAt: 1 });
    await house.settle();
    expect(why).toEqual(["hello", "refresh"]);
    expect(house.heard("auth.refresh")).toMatchObject([{ token: "token for refresh" }]);
  });

  it("asks again for a token to renew with, until it has one", async () => {
    const house = new House();
    const offline = () => Promise.reject(new TypeError("offline"));
    const answers = [() => Promise.resolve("t"), offline, offline, () => Promise.resolve("fresh")];
    await house.greeted({ token: () => (answers.shift() ?? offline)() });
    house.socket.tell({ type: "auth.expiring", expiresAt: 1 });
    for (let pause = 0; pause < 2; pause += 1) {
      await house.settle();
      expect(house.heard("auth.refresh")).toEqual([]);
      house.clock.move(5_000);
    }
    await house.settle();
    expect(house.heard("auth.refresh")).toMatchObject([{ token: "fresh" }]);
  });

  it("asks again later when the token could not be had", async () => {
    const house = new House();
    let tries = 0;
    const client = await house.greeted({
      token: () => ((tries += 1) < 3 ? Promise.reject(new TypeError("offline")) : Promise.resolve("t")),
    });
    expect(client.connection.getSnapshot().state).toBe("backoff");
    await house.back();
    expect(client.connection.getSnapshot().isLive).toBe(true);
  });
});

describe("the dashboard", () => {
  it("is a store, told of every change with its event", async () => {
    const house = new House();
    house.world.chat("chat_1", { title: "One" });
    const client = await house.greeted();
    const names: string[] = [];
    client.onEvent(({ name }) => names.push(`${name} ${client.dashboard.getSnapshot().chats.length}`));
    expect(client.dashboard.getSnapshot().chats.map(({ title }) => title)).toEqual(["One"]);
    house.world.chat("chat_2");
    house.world.deleteChat("chat_1");
    await house.settle();
    expect(names).toEqual(["chat.created 2", "chat.deleted 1"]);
    expect(client.dashboard.getSnapshot()).toBe(client.dashboard.getSnapshot());
  });

  it("reads its pages one by one", async () => {
    const house = new House();
    house.world.page = 2;
    for (let n = 0; n < 5; n += 1) house.world.chat(`chat_${n}`);
    const client = await house.greeted();
    expect(client.dashboard.getSnapshot()).toMatchObject({ more: true });
    for (let more = true; more; ) {
      const reading = client.moreChats();
      await house.settle();
      more = await reading;
    }
    expect(client.dashboard.getSnapshot().chats).toHaveLength(5);
    expect(client.dashboard.getSnapshot().more).toBe(false);
  });
});

it("somebody else's commands and streams are not carried over", async () => {
  const house = new House();
  const client = await house.greeted();
  const sent = client.send("chat_9", "Why?");
  await house.settle();
  const answer = await sent;
  house.isOnline = false;
  const secret = client.updateChat("chat_9", { title: "mine alone" });
  house.cut();
  house.world.userId = "usr_2";
  await house.back();
  await expect(secret).rejects.toMatchObject({ error: refused("permission_denied", false, { message: expect.any(String) }) });
  await expect(answer.finished()).rejects.toBeInstanceOf(StreamLost);
  expect(house.heard("chat.update")).toEqual([]);
});
