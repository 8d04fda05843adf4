import { type Client, CommandRefused, type DashboardChat, type DashboardView, type EventFrame } from "@tidewire/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Toasts } from "../src/shell/toasts";
import { deletions } from "../src/sidebar/deletions";
import { Filing } from "../src/sidebar/filing";
import { Value } from "../src/store";
import { UNDO_MS } from "../src/timing";

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

const chat = (chatId: string, version = 1, fields: Partial<DashboardChat> = {}): DashboardChat => ({
  chatId, title: chatId, pinned: false, archived: false, unseen: false, createdAt: 1, updatedAt: 1, version, ...fields,
});

/** A client whose server answers when the test says so. */
function server(...chats: DashboardChat[]) {
  const dashboard = new Value<DashboardView>({ chats, projects: [], models: [], more: false });
  const asked: { type: string; answer(version: number): void; refuse(code: string): void }[] = [];
  const listeners: ((event: EventFrame) => void)[] = [];
  const ask = (type: string) =>
    new Promise<{ version: number }>((resolve, reject) => {
      const refuse = (code: string) => reject(new CommandRefused(type, { code, message: "No.", retryable: false }));
      asked.push({ type, answer: (version) => resolve({ version }), refuse });
    });
  const client = {
    dashboard,
    connection: new Value({ isLive: true }),
    dashboardChat: (id: string) => dashboard.getSnapshot().chats.find(({ chatId }) => chatId === id),
    onEvent: (listener: (event: EventFrame) => void) => listeners.push(listener),
    command: ask,
    deleteChat: () => ask("chat.delete"),
  } as unknown as Client;
  const toasts = new Toasts();
  const filing = new Filing(client, toasts);
  const tell = (...now: DashboardChat[]) => dashboard.set({ ...dashboard.getSnapshot(), chats: now });
  const titles = () => filing.getSnapshot().chats.map(({ title }) => title);
  return { client, asked, toasts, filing, tell, titles };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe("a chat that is renamed", () => {
  it("has its name at once, and keeps it", async () => {
    const { asked, filing, tell, titles } = server(chat("a"));
    filing.change("a", { title: "New" });
    expect(titles()).toEqual(["New"]);
    asked[0]?.answer(2);
    await settled();
    tell(chat("a", 2, { title: "New" }));
    expect(titles()).toEqual(["New"]);
  });

  it("has the old one again when it is refused, and that is said", async () => {
    const { asked, filing, titles, toasts } = server(chat("a"));
    filing.change("a", { title: "New" });
    asked[0]?.refuse("invalid_argument");
    await settled();
    expect(titles()).toEqual(["a"]);
    expect(toasts.getSnapshot().map(({ words }) => words)).toEqual(["No."]);
  });
});

describe("a chat that is deleted", () => {
  it("is hidden at once, and deleted once it cannot be brought back", async () => {
    const { asked, filing, titles } = server(chat("a"), chat("b"));
    filing.delete("chat", "a", "a");
    expect(titles()).toEqual(["b"]);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(UNDO_MS);
    expect(asked.map(({ type }) => type)).toEqual(["chat.delete"]);
    asked[0]?.answer(2);
    await settled();
    expect([titles(), deletions()]).toEqual([["b"], {}]);
  });

  it("is there again when it was brought back, and no server has heard of it", async () => {
    const { asked, filing, titles, toasts } = server(chat("a"));
    const undone = vi.fn();
    filing.delete("chat", "a", "a", undone);
    toasts.undo(toasts.getSnapshot()[0]?.id ?? 0);
    await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
    expect([titles(), asked, deletions()]).toEqual([["a"], [], {}]);
    expect(undone).toHaveBeenCalledTimes(1);
  });

  it("is there again when the server cannot delete it", async () => {
    const { asked, filing, titles, toasts } = server(chat("a"));
    filing.delete("chat", "a", "a");
    toasts.closeAll();
    asked[0]?.refuse("timeout");
    await settled();
    expect([titles(), deletions()]).toEqual([["a"], {}]);
    expect(toasts.getSnapshot().map(({ words }) => words)).toEqual(["No."]);
  });

  it("stays deleted over a reload that came before the server heard of it", async () => {
    server(chat("a")).filing.delete("chat", "a", "a");
    const { asked, titles } = server(chat("a"));
    expect(titles()).toEqual([]);
    await vi.advanceTimersByTimeAsync(UNDO_MS);
    expect(asked.map(({ type }) => type)).toEqual(["chat.delete"]);
    asked[0]?.refuse("not_found"); // the other page had been heard after all
    await settled();
    expect([titles(), deletions()]).toEqual([[], {}]);
  });

  it("comes back in a second tab, too, when the first one brings it back", async () => {
    const first = server(chat("a"));
    first.filing.delete("chat", "a", "a");
    const second = server(chat("a"));
    first.toasts.undo(first.toasts.getSnapshot()[0]?.id ?? 0);
    await vi.advanceTimersByTimeAsync(UNDO_MS);
    expect([second.titles(), second.asked]).toEqual([["a"], []]);
  });
});

it("an archived chat can be brought back", () => {
  const { asked, filing, toasts } = server(chat("a"));
  filing.archive(chat("a"));
  expect(filing.getSnapshot().chats[0]?.archived).toBe(true);
  toasts.undo(toasts.getSnapshot()[0]?.id ?? 0);
  expect(filing.getSnapshot().chats[0]?.archived).toBe(false);
  expect(asked.map(({ type }) => type)).toEqual(["chat.update", "chat.update"]);
});

it("what is shown is the same object until something changes", () => {
  const { filing, tell } = server(chat("a"));
  const before = filing.getSnapshot();
  expect(filing.getSnapshot()).toBe(before);
  tell(chat("a", 2));
  expect(filing.getSnapshot()).not.toBe(before);
});
