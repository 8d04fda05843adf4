import { readUIMessageStream, type UIMessage } from "ai";
import { describe, expect, it } from "vitest";
import { chunksOf } from "../../src/ai/stream.js";
import { TidewireChatTransport } from "../../src/ai/transport.js";
import { Chats } from "../../src/ai/chats.js";
import type { Chunk } from "../../src/parts/chunks.js";
import { Answer } from "../../src/sdk/answer.js";
import { refused } from "../client/peer.js";
import { House } from "../sdk/house.js";
import { FOLDS } from "../vectors.js";
import { TestChat, textsOf } from "./chat.js";

/** `ai` works in many small steps. */
async function settled(house: House): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    await house.settle();
  }
}

async function talking() {
  const house = new House();
  const client = await house.greeted();
  const transport = new TidewireChatTransport(client);
  const chat = new TestChat("chat_9", transport);
  return { house, client, transport, chat };
}

describe("useChat's Chat", () => {
  it("sends a question and shows the answer under the server's id", async () => {
    const { house, chat } = await talking();
    const sending = chat.sendMessage({ text: "Why?" });
    await settled(house);
    expect(house.heard("message.send")[0]?.message).toMatchObject({
      id: chat.messages[0]?.id,
      parts: [{ type: "text", text: "Why?" }],
    });
    house.world.logs.get("str_1")?.say("Because ", "so.");
    await settled(house);
    expect(chat.status).toBe("streaming");
    house.world.logs.get("str_1")?.finish();
    await settled(house);
    await sending;
    expect(chat.status).toBe("ready");
    expect(textsOf(chat)).toEqual(["Why?", "Because so."]);
    expect(chat.messages[1]?.id).toBe("msg_str_1");
  });

  it("does not notice that its socket died", async () => {
    const { house, chat } = await talking();
    const sending = chat.sendMessage({ text: "Why?" });
    await settled(house);
    house.world.logs.get("str_1")?.say("one ");
    await settled(house);
    house.cut();
    house.world.logs.get("str_1")?.say("two ").finish();
    await settled(house);
    expect(chat.status).toBe("streaming");
    await house.back();
    await settled(house);
    await sending;
    expect(chat.status).toBe("ready");
    expect(textsOf(chat)[1]).toBe("one two ");
  });

  it("lets go on stop(), and the answer is written on; resumeStream() shows it whole again", async () => {
    const { house, chat } = await talking();
    const sending = chat.sendMessage({ text: "Why?" });
    await settled(house);
    house.world.logs.get("str_1")?.say("one ");
    await settled(house);
    await chat.stop();
    await sending;
    expect(chat.status).toBe("ready");
    house.world.logs.get("str_1")?.say("two ");
    await settled(house);
    expect(house.world.logs.get("str_1")?.isRunning).toBe(true);
    const resuming = chat.resumeStream();
    await settled(house);
    house.world.logs.get("str_1")?.finish();
    await settled(house);
    await resuming;
    expect(textsOf(chat)).toEqual(["Why?", "one two "]);
  });

  it("honours stop() while the send waits for a connection, and the question goes out all the same", async () => {
    const { house, chat } = await talking();
    house.isOnline = false;
    house.cut();
    const sending = chat.sendMessage({ text: "Why?" });
    await settled(house);
    expect(chat.status).toBe("submitted");
    await chat.stop();
    await sending;
    expect(chat.status).toBe("ready");
    await house.back();
    expect(house.world.effects).toHaveLength(1);
  });

  it("stops by a command: at once by the send's id, later by the chat", async () => {
    const { house, transport, chat } = await talking();
    house.isOnline = false;
    const first = chat.sendMessage({ text: "Why?" });
    await settled(house);
    const stopping = transport.stopChat("chat_9");
    house.isOnline = true;
    await settled(house);
    expect(house.heard("stream.stop")[0]?.commandId).toBe(house.heard("message.send")[0]?.id);
    expect(await stopping).toBe("stopped");
    await first;
    expect(chat.status).toBe("ready");

    const second = chat.sendMessage({ text: "Why then?" });
    await settled(house);
    house.world.logs.get("str_2")?.say("one ");
    await settled(house);
    const later = transport.stopChat("chat_9");
    await settled(house);
    expect(await later).toBe("stopped");
    await second;
    expect(house.heard("stream.stop")[1]).toMatchObject({ chatId: "chat_9" });
    expect(chat.status).toBe("ready");
    expect(textsOf(chat)[3]).toBe("one ");
  });

  it("regenerates, retries and edits by commands of the same name, with what `body` asks for", async () => {
    const { house, chat } = await talking();
    chat.messages = [
      { id: "q_1", role: "user", parts: [{ type: "text", text: "Why?" }] },
      { id: "a_1", role: "assistant", parts: [{ type: "text", text: "So." }] },
    ];
    await Promise.all([chat.regenerate({ messageId: "a_1", body: { model: "big" } }), settled(house)]);
    await Promise.all([chat.regenerate({ body: { retry: true } }), settled(house)]);
    await Promise.all([chat.sendMessage({ text: "How?", messageId: "q_1" }), settled(house)]);
    expect(house.heard("message.regenerate")).toMatchObject([{ chatId: "chat_9", messageId: "a_1", model: "big" }]);
    expect(house.heard("message.retry")[0]).not.toHaveProperty("messageId");
    expect(house.heard("message.retry")[0]).not.toHaveProperty("retry");
    const [edit] = house.heard("message.edit");
    expect(edit).toMatchObject({ messageId: "q_1", message: { parts: [{ type: "text", text: "How?" }] } });
    expect(edit?.message.id).not.toBe("q_1");
  });

  it("shows why the server refused, in its words", async () => {
    const { house, chat } = await talking();
    house.world.refusal = refused("quota_exceeded", false, { message: "That was enough for today." });
    await Promise.all([chat.sendMessage({ text: "Why?" }), settled(house)]);
    expect(chat.status).toBe("error");
    expect(chat.error?.message).toBe("That was enough for today.");
  });

  it("has nothing to resume where nothing runs", async () => {
    const { house, chat } = await talking();
    await Promise.all([chat.resumeStream(), settled(house)]);
    expect(chat.status).toBe("ready");
  });
});

describe("chats of many tabs", () => {
  it("show what another tab asks, as it is answered", async () => {
    const house = new House();
    const [here, there] = [await house.greeted(), await house.greeted()];
    const ours = new Chats(here, (id, transport) => new TestChat(id, transport));
    const theirs = new Chats(there, (id, transport) => new TestChat(id, transport));
    const [asking, watching] = [ours.get("chat_9"), theirs.get("chat_9")];
    expect(ours.get("chat_9")).toBe(asking);
    const sending = asking.sendMessage({ text: "Why?" });
    await settled(house);
    house.world.logs.get("str_1")?.say("So.").finish();
    await settled(house);
    await sending;
    expect(textsOf(watching)).toEqual(["Why?", "So."]);
    expect(textsOf(asking)).toEqual(["Why?", "So."]);
    const reads = house.sockets.flatMap(({ peer }) => peer.received.filter(({ type }) => type === "chat.get"));
    expect(reads, "only the other tab has to look").toHaveLength(1);
    expect(watching.messages).toMatchObject(asking.messages.map(({ id }) => ({ id })));
    ours.close();
    theirs.close();
  });
});

describe("the stream of an answer", () => {
  const answerOf = (chunks: readonly Chunk[]) => {
    const answer = new Answer("str_1", () => Promise.resolve("stopping"));
    const frame = { type: "stream.chunk", streamId: "str_1", prev: 0, seq: chunks.length } as const;
    answer.take({ ...frame, chunks: chunks as never });
    answer.ended({ type: "stream.end", streamId: "str_1", chatId: "c", messageId: "m", seq: 0, status: "completed" });
    return answer;
  };

  // Where `ai` itself ends in an error there is no message of its to compare with, and what only a later version sends
  // is no chunk of its.
  const known = FOLDS.filter(({ name, chunks }) => {
    const types = chunks.map(({ type }) => type as string);
    return !name.startsWith("beyond") && !types.some((type) => ["error", "tomorrow", "text-style"].includes(type));
  });

  // `ai` tells of a step only when something stands in it.
  const shown = (parts: readonly { type: string }[] = []): unknown =>
    parts.at(-1)?.type === "step-start" ? shown(parts.slice(0, -1)) : JSON.parse(JSON.stringify(parts));

  it.each(known)("becomes in `ai` what it becomes in our fold: $name", async ({ chunks, message }) => {
    let last: UIMessage | undefined;
    for await (const each of readUIMessageStream({ stream: chunksOf(answerOf(chunks)) })) last = each;
    expect(shown(last?.parts)).toEqual(shown(message.parts));
  });
});
