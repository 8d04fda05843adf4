/** Every status in words, and what is told to those who look elsewhere. */

import { describe, expect, it } from "vitest";
import { noteOf } from "../src/shell/notify";
import { titleWords, unseen } from "../src/shell/title";
import { answerWords, bannerWords, questionWords } from "../src/words";

const facts = {
  ...{ label: null, hasParts: true, hasText: false, waitsForPerson: false, origin: "here" as const },
  ...{ error: null, finishReason: null, isConnected: true },
};
const failure = { code: "model_error", message: "The model broke off.", retryable: true };

describe("an answer's status", () => {
  it.each([
    ["streaming", {}, "Thinking…"],
    ["streaming", { hasText: true }, "Writing…"],
    ["streaming", { label: "Looking into it" }, "Looking into it…"],
    ["streaming", { label: "Looking into it..." }, "Looking into it…"],
    ["streaming", { label: "Thinking", hasText: true }, "Writing…"],
    ["streaming", { waitsForPerson: true, label: "Thinking" }, "Waiting for you…"],
    ["streaming", { origin: "elsewhere" }, "Answering on another device…"],
    ["streaming", { origin: "before", hasParts: false }, "Catching up…"],
    ["queued", {}, "Waiting…"],
    ["streaming", { isConnected: false, hasText: true }, "Reconnecting…"],
    ["stopping", { hasText: true }, "Stopping…"],
    ["stopped", { isConnected: false }, "Stopped"],
    ["failed", { error: failure }, "Couldn’t finish: The model broke off."],
    ["failed", {}, "Couldn’t finish: something went wrong."],
    ["interrupted", {}, "Interrupted"],
    ["completed", {}, null],
    ["completed", { finishReason: "length" }, "Cut off: the answer reached its longest length."],
  ] as const)("%s %o", (status, change, words) => {
    expect(answerWords(status, { ...facts, ...change })).toBe(words);
  });
});

it("a question on its way says where it is", () => {
  expect(questionWords("sending", null, true)).toBe("Sending…");
  expect(questionWords("sending", null, false)).toBe("Will be sent when the connection is back.");
  expect(questionWords("refused", failure, true)).toBe("Not sent: The model broke off.");
  expect(questionWords("stored", null, false)).toBeNull();
});

describe("the banner", () => {
  const down = {
    ...{ state: "backoff" as const, isLive: false, error: null, userId: "u", isOnline: true },
    ...{ isConnected: false, isSending: false, isWriting: false },
  };
  it.each([
    [{ isConnected: true }, null],
    [{}, "Reconnecting…"],
    [{ isWriting: true }, "Reconnecting… your answer is still being written"],
    [{ userId: null }, "Connecting…"],
    [{ isOnline: false }, "You’re offline"],
    [{ isOnline: false, isSending: true }, "You’re offline: will send when you’re back"],
    [{ state: "stopped", isConnected: true, error: failure }, "The model broke off."],
  ] as const)("%o", (change, words) => {
    expect(bannerWords({ ...down, ...change })).toBe(words);
  });
});

it("the title counts what is new where one does not look", () => {
  const chat = (chatId: string, isNew: boolean, archived = false) => ({ chatId, unseen: isNew, archived }) as never;
  const chats = [chat("a", true), chat("b", true), chat("c", true, true), chat("d", false)];
  expect([unseen(chats, "a"), unseen(chats, null)]).toEqual([1, 2]);
  expect([titleWords(2, null), titleWords(0, "Tides"), titleWords(1, "Tides")]).toEqual(["(2) Tidewire", "Tides · Tidewire", "(1) Tides · Tidewire"]);
});

it("whoever looks elsewhere hears of an answer that nobody saw, and once of a question to them", () => {
  const chat = { chatId: "c", title: "Tides" };
  const note = (name: string, change: object, wasAsking = false) => noteOf({ name, data: { chat: { ...chat, ...change } } }, wasAsking)?.body ?? null;
  expect(note("chat.unseen", {})).toBe("A new answer is there.");
  expect(note("stream.ended", {})).toBeNull();
  expect(note("chat.updated", { awaitingApproval: true })).toBe("The answer waits for you.");
  expect(note("chat.updated", { awaitingApproval: true }, true)).toBeNull();
  expect(noteOf({ name: "chat.deleted", data: { chatId: "c" } }, false)).toBeNull();
});
