/** Questions that no server has confirmed survive lost networks and reloads. */
import { describe, expect, it } from "vitest";
import { Withdrawn } from "../../src/sdk/errors.js";
import { refused } from "../client/peer.js";
import { House } from "./house.js";

const DAY = 24 * 3_600_000;

describe("a question written offline", () => {
  async function offline() {
    const house = new House();
    const client = await house.greeted();
    house.isOnline = false;
    house.cut();
    const sent = client.send("chat_9", "Why?", { commandId: "ask_1", messageId: "q_1" });
    return { house, client, sent };
  }

  it("is shown at once as waiting, goes out with the next socket, and is gone with its ack", async () => {
    const { house, client, sent } = await offline();
    expect(client.outbox.getSnapshot()).toMatchObject([
      { commandId: "ask_1", chatId: "chat_9", message: { id: "q_1" }, state: "waiting", error: null },
    ]);
    expect(client.outbox.getSnapshot()).toBe(client.outbox.getSnapshot());
    await house.back();
    expect((await sent).place?.userMessageId).toBe("q_1");
    expect(client.outbox.getSnapshot()).toEqual([]);
    expect(house.storage.kept.size).toBe(0);
  });

  it("is sent after a reload, under the same id", async () => {
    const { house, client, sent } = await offline();
    client.close();
    await expect(sent).rejects.toThrow("closed");
    house.sockets = [];
    house.isOnline = true;
    const after = await house.greeted();
    expect(house.world.effects).toEqual(["ask_1"]);
    expect(after.answerIn("chat_9")?.place?.userMessageId).toBe("q_1");
    expect(house.storage.kept.size).toBe(0);
  });

  it("whose answer nobody wanted to follow is not followed after a reload either", async () => {
    const house = new House();
    const client = await house.greeted();
    house.isOnline = false;
    house.cut();
    const message = { id: "q_1", role: "user" as const, parts: [] };
    client.command("message.send", { id: "ask_1", chatId: "chat_9", message, subscribe: false }).catch(() => {});
    client.close();
    house.sockets = [];
    house.isOnline = true;
    const after = await house.greeted();
    expect(house.world.effects).toEqual(["ask_1"]);
    expect(after.answerIn("chat_9")).toBeUndefined(); // it would never hear of its end
  });

  it("has one effect when its ack was lost with the page", async () => {
    const { house, client, sent } = await offline();
    sent.catch(() => {});
    house.isDeaf = true; // the server hears everything, and only its greeting comes through
    await house.back();
    expect(house.world.effects).toEqual(["ask_1"]);
    expect(client.outbox.getSnapshot()).toMatchObject([{ state: "sent" }]);
    client.close();
    house.sockets = [];
    house.isDeaf = false;
    const after = await house.greeted();
    expect(house.world.effects).toEqual(["ask_1"]);
    expect(after.answerIn("chat_9")?.streamId).toBe("str_1");
  });

  it("can be taken back before any server has seen it", async () => {
    const { house, client, sent } = await offline();
    client.discard("ask_1");
    await expect(sent).rejects.toBeInstanceOf(Withdrawn);
    await house.back();
    expect(house.world.effects).toEqual([]);
    expect(house.storage.kept.size).toBe(0);
  });

  it("waits for a person when it is older than a day", async () => {
    const { house, client, sent } = await offline();
    client.close();
    sent.catch(() => {});
    house.clock.move(DAY + 1);
    house.sockets = [];
    house.isOnline = true;
    const after = await house.greeted();
    expect(house.world.effects).toEqual([]);
    expect(after.outbox.getSnapshot()).toMatchObject([{ state: "refused", error: { code: "timeout" } }]);
    after.resend("ask_1");
    await house.settle();
    expect(house.world.effects).toEqual(["ask_1"]);
    expect(after.outbox.getSnapshot()).toEqual([]);
  });

  it("is neither shown to somebody else nor sent by them", async () => {
    const { house, client, sent } = await offline();
    client.close();
    sent.catch(() => {});
    house.sockets = [];
    house.isOnline = true;
    house.world.userId = "usr_2";
    const other = await house.greeted();
    expect(other.outbox.getSnapshot()).toEqual([]);
    expect(house.world.effects).toEqual([]);
    expect(house.storage.kept.size).toBe(1);
  });
});

it("a question that the server refuses stays, to be tried again or discarded", async () => {
  const house = new House();
  const client = await house.greeted();
  house.world.refusal = refused("quota_exceeded");
  const sent = client.send("chat_9", "Why?", { commandId: "ask_1" });
  await house.settle();
  await expect(sent).rejects.toMatchObject({ error: { code: "quota_exceeded" } });
  expect(client.outbox.getSnapshot()).toMatchObject([{ state: "refused", error: { code: "quota_exceeded" } }]);
  client.resend("ask_1");
  await house.settle();
  expect(client.outbox.getSnapshot()).toMatchObject([{ state: "refused" }]);
  house.world.refusal = null;
  client.resend("ask_1");
  await house.settle();
  expect(client.outbox.getSnapshot()).toEqual([]);
  expect(house.world.effects).toEqual(["ask_1"]);
});

describe("while the server has no database", () => {
  const away = async () => {
    const house = new House();
    const client = await house.greeted();
    house.world.refusal = refused("unavailable", true);
    return { house, client };
  };

  it("a rename waits for it, and is carried out once", async () => {
    const { house, client } = await away();
    const renamed = client.command("chat.update", { chatId: "chat_9", title: "Tides", id: "name_1" });
    for (let n = 0; n < 3; n += 1) {
      house.clock.move(500);
      await house.settle();
    }
    house.world.refusal = null;
    house.clock.move(500);
    await house.settle();
    await renamed;
    expect(house.world.effects).toEqual(["name_1"]);
  });

  it("a rename is refused when that takes too long", async () => {
    const { house, client } = await away();
    const renamed = client.updateChat("chat_9", { title: "Tides" });
    const failed = expect(renamed).rejects.toMatchObject({ error: { code: "unavailable" } });
    for (let n = 0; n < 12; n += 1) {
      await house.settle();
      house.clock.move(500);
    }
    await failed;
    expect(house.world.effects).toEqual([]);
  });

  it("what waits behind a question goes on when that is taken back", async () => {
    const { house, client } = await away();
    const sent = client.send("chat_9", "Why?", { commandId: "ask_1" });
    await house.settle();
    const renamed = client.command("chat.update", { chatId: "chat_9", title: "Tides", id: "name_1" });
    house.world.refusal = null;
    client.discard("ask_1");
    await house.settle();
    await expect(sent).rejects.toBeInstanceOf(Withdrawn);
    await renamed;
    expect(house.world.effects).toEqual(["name_1"]);
  });
});

it("a question that was sent is stopped when it is discarded", async () => {
  const house = new House();
  const client = await house.greeted();
  const sent = client.send("chat_9", "Why?", { commandId: "ask_1" });
  client.discard("ask_1");
  await house.settle();
  await sent;
  expect(house.heard("stream.stop")).toMatchObject([{ commandId: "ask_1" }]);
});

it("what cannot be read is thrown away, and a storage that fails costs nothing else", async () => {
  const house = new House();
  house.storage.setItem("tidewire.outbox..broken", "{");
  house.storage.setItem("something.else", "mine");
  const client = await house.greeted();
  expect([...house.storage.kept.keys()]).toEqual(["something.else"]);
  house.storage.setItem = () => {
    throw new Error("full");
  };
  const sent = client.send("chat_9", "Why?");
  await house.settle();
  expect((await sent).streamId).toBe("str_1");
});
