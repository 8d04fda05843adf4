import type { DashboardChat } from "@tidewire/client";
import { describe, expect, it } from "vitest";
import { blocksOf } from "../src/sidebar/block";
import { listingOf, withFound } from "../src/sidebar/listing";
import { marksOf, marksWithin } from "../src/sidebar/marks";

const chat = (chatId: string, fields: Partial<DashboardChat> = {}): DashboardChat => ({
  chatId, title: chatId, pinned: false, archived: false, unseen: false, createdAt: 1, updatedAt: 1, version: 1, ...fields,
});

describe("where a chat stands", () => {
  it("is its project, the archive, or the list", () => {
    const chats = [chat("a"), chat("b", { projectId: "p" }), chat("c", { archived: true, projectId: "p" }), chat("d", { projectId: "" })];
    const { loose, archived, ofProject } = listingOf(chats, [{ projectId: "p", title: "P", version: 1 }]);
    expect([loose, archived, ofProject.get("p")].map((rows) => rows?.map(({ chatId }) => chatId))).toEqual([["a", "d"], ["c"], ["b"]]);
  });

  it("is the list when its project is gone", () => {
    expect(listingOf([chat("a", { projectId: "gone" })], []).loose).toHaveLength(1);
  });

  it("is one place when it was found, too", () => {
    const known = [chat("b", { updatedAt: 5 }), chat("a", { updatedAt: 3 })];
    const found = [chat("b", { updatedAt: 5 }), chat("c", { updatedAt: 4 })];
    expect(withFound(known, found).map(({ chatId }) => chatId)).toEqual(["b", "c", "a"]);
    expect(withFound(known, known)).toBe(known);
  });
});

describe("marks", () => {
  it("stand together where several things are true", () => {
    expect(marksOf(chat("a", { activeStreamId: "s", unseen: true, lastStatus: "failed", pinned: true }), false)).toEqual(["spinner", "dot", "pinned"]);
    expect(marksOf(chat("a", { activeStreamId: "s", awaitingApproval: true }), false)).toEqual(["asking"]);
    expect(marksOf(chat("a", { lastStatus: "interrupted", unseen: true }), false)).toEqual(["failed", "dot"]);
    expect(marksOf(chat("a", { lastStatus: "stopped" }), false)).toEqual([]);
  });

  it("say nothing new of what is looked at", () => {
    expect(marksOf(chat("a", { unseen: true }), true)).toEqual([]);
  });

  it("of a folder that is shut are those of the chats in it, each once, without its pins", () => {
    const chats = [chat("a", { unseen: true, pinned: true }), chat("b", { unseen: true }), chat("c", { activeStreamId: "s" })];
    expect(marksWithin(chats, "none")).toEqual(["spinner", "dot"]);
    expect(marksWithin(chats.slice(0, 1), "a")).toEqual([]);
  });
});

it("blocks hold every row once and in order", () => {
  const rows = Array.from({ length: 101 }, (_, at) => at);
  expect(blocksOf(rows, 40).map((block) => block.length)).toEqual([40, 40, 21]);
  expect(blocksOf(rows, 40).flat()).toEqual(rows);
  expect(blocksOf([], 40)).toEqual([]);
});
