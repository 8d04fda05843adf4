/** The plain rules of a chat: what can be done, what waits, which words, where things belong. */

import type { Message, Outgoing } from "@tidewire/client";
import { describe, expect, it } from "vitest";
import { Begun } from "../../src/chat/begun";
import { deedsOf, verbOf } from "../../src/chat/deeds";
import { contentOf, hindrance } from "../../src/chat/drafts";
import type { ThreadMessage } from "../../src/chat/message";
import { extended, placed, put, withVersions } from "../../src/chat/path";
import { moved, waitingIn } from "../../src/chat/queue";
import { turnsOf } from "../../src/chat/turns";

const message = (id: string, role: "user" | "assistant" = "user", text = "words"): Message => ({ id, role, parts: [{ type: "text", text }] });
const step = (id: string, role: "user" | "assistant" = "user") => ({ message: message(id, role), answer: null });
const shown = (change: Partial<ThreadMessage> = {}): ThreadMessage => ({
  ...{ id: "m", role: "assistant", message: message("m", "assistant"), status: "completed", answer: null, origin: "here" },
  ...{ commandId: null, isWaiting: false, error: null, isRewriting: false },
  ...change,
});
const ids = (path: readonly { readonly message: Message }[] | null) => path?.map(({ message: { id } }) => id);

describe("the path", () => {
  const path = [step("q1"), step("a1", "assistant"), step("q2")];
  it("drops what hung below a message when something else hangs there", () => {
    expect(ids(placed(path, step("other"), "q1"))).toEqual(["q1", "other"]);
    expect(ids(placed(path, step("first"), null))).toEqual(["first"]);
    expect(placed(path, step("x"), "unknown")).toBeNull();
  });
  it("replaces a message in its place, and knows none twice", () => {
    expect(ids(put(path, step("a1", "assistant")))).toEqual(["q1", "a1", "q2"]);
    expect(ids(extended(path, [message("q0"), message("q1")]))).toEqual(["q0", "q1", "a1", "q2"]);
  });
  it("keeps the versions that were read when a stream knew fewer", () => {
    const versions = { index: 1, ids: ["a", "b"] };
    const own = { ...message("b"), metadata: { versions: { index: 0, ids: ["b"] } } };
    expect(withVersions(own, versions).metadata?.versions).toBe(versions);
    expect(withVersions(own, { index: 0, ids: [] })).toBe(own);
  });
});

describe("what can be done", () => {
  const around = { isBusy: false, isLast: true, hasQueue: false };
  it.each([
    ["completed", {}, ["copy", "regenerate"]],
    ["failed", {}, ["retry", "copy"]],
    ["interrupted", {}, ["retry", "copy"]],
    ["stopped", {}, ["continue", "copy", "regenerate"]],
    ["stopped", { hasQueue: true }, ["copy", "regenerate"]],
    ["completed", { isLast: false }, ["copy"]],
    ["completed", { isBusy: true }, ["copy"]],
  ] as const)("with an answer that is %s %o", (status, change, deeds) => {
    expect(deedsOf(shown({ status }), { ...around, ...change })).toEqual(deeds);
  });
  it("with a question: edit it, unless something is being answered", () => {
    const question = shown({ role: "user", status: "stored" });
    expect(deedsOf(question, { ...around, isLast: false })).toEqual(["edit"]);
    expect(deedsOf(question, { ...around, isBusy: true })).toEqual([]);
    expect(deedsOf(shown({ role: "user", status: "sending" }), around)).toEqual([]);
  });
  it("with an answer that reached its longest length: go on, unless something waits for its turn", () => {
    const cut = shown({ message: { ...message("m", "assistant"), metadata: { finishReason: "length" } } });
    expect(deedsOf(cut, around)).toEqual(["continue", "copy", "regenerate"]);
    expect(deedsOf(cut, { ...around, hasQueue: true })).toEqual(["copy", "regenerate"]);
  });
  it("with nothing written yet: neither copy nor go on", () => {
    expect(deedsOf(shown({ status: "stopped", message: message("m", "assistant", "") }), around)).toEqual(["regenerate"]);
  });
  it("retries on the wire whatever was not completed", () => {
    expect([verbOf(shown()), verbOf(shown({ status: "stopped" }))]).toEqual(["regenerate", "retry"]);
  });
});

describe("what waits", () => {
  const queued = (name: string) => ({ commandId: name, streamId: `s-${name}`, messageId: `m-${name}`, text: name });
  const ahead = (name: string) => ({ commandId: name, message: { id: `m-${name}`, role: "user", parts: [{ type: "text", text: name }] } }) as unknown as Outgoing;
  const chat = { queue: [queued("a"), queued("b")] } as never;
  it("is the server's queue and what is on its way there, each once, and nothing that is shown", () => {
    const waiting = waitingIn(chat, [ahead("b"), ahead("c")], [shown({ id: "m-a" })]);
    expect(waiting).toEqual([
      { commandId: "b", text: "b", isSending: false },
      { commandId: "c", text: "c", isSending: true },
    ]);
  });
  it("is moved up and down among what the server has", () => {
    const queue = waitingIn({ queue: ["a", "b", "c"].map(queued) } as never, [ahead("d")], []);
    expect(moved(queue, "b", -1)).toEqual(["b", "a", "c"]);
    expect(moved(queue, "b", 1)).toEqual(["a", "c", "b"]);
    expect(moved(queue, "a", -1)).toEqual(["a", "b", "c"]);
  });
});

describe("a draft", () => {
  const file = { key: "k", filename: "a.png", size: 1, mediaType: "image/png", url: "/v1/files/1", problem: null };
  it("says what hinders it", () => {
    expect(hindrance({ text: " ", files: [] }, 262_144)).toBe("empty");
    expect(hindrance({ text: "x", files: [{ ...file, url: null }] }, 262_144)).toBe("uploading");
    expect(hindrance({ text: "x", files: [{ ...file, url: null, problem: "Too large." }] }, 262_144)).toBe("broken");
    expect(hindrance({ text: "", files: [file] }, 262_144)).toBeNull();
  });
  it("is not sent when the server would not take it at once", () => {
    const long = (text: string, frameBytes = 262_144) => hindrance({ text, files: [] }, frameBytes);
    expect([long("x".repeat(200_000)), long("x".repeat(200_001), 1e9)]).toEqual([null, "long"]);
    expect([long("é".repeat(120_000)), long("é".repeat(125_000)), long("\n".repeat(125_000))]).toEqual([null, "long", "long"]);
  });
  it("is sent as its files and its words", () => {
    const { url, mediaType, filename } = file;
    expect(contentOf({ text: "x", files: [file] })).toEqual([{ type: "file", url, mediaType, filename }, { type: "text", text: "x" }]);
    expect(contentOf({ text: " \n", files: [] })).toEqual([]);
  });
});

describe("turns", () => {
  it("begin at every question, and at an answer whose question is on the page before", () => {
    const messages = [shown({ id: "a0" }), shown({ id: "q1", role: "user" }), shown({ id: "a1" }), shown({ id: "q2", role: "user" })];
    expect(turnsOf(messages).map((turn) => turn.messages.map(({ id }) => id))).toEqual([["a0"], ["q1", "a1"], ["q2"]]);
  });
});

describe("an answer of this client that an event tells of", () => {
  it("is joined at once when no ack is awaited, and else when the last one came", () => {
    const begun = new Begun();
    expect(begun.hear("s0", "m0")).toBe(true);
    const heard: string[] = [];
    const told = (all: ReadonlyMap<string, string>) => void heard.push(...all.keys());
    const [one, other] = [begun.await(told), begun.await(told)];
    expect(begun.hear("s1", "m1")).toBe(false);
    one();
    expect(heard).toEqual([]);
    other();
    expect(heard).toEqual(["s1"]);
    expect(begun.hear("s2", "m2")).toBe(true);
  });
});
