import { describe, expect, it } from "vitest";
import { FrameTooLarge } from "../../src/client/connection.js";
import type { Command } from "../../src/commands.js";
import { LIMITS } from "../../src/limits.js";
import { following, Pair } from "./pair.js";
import { refused } from "./peer.js";

const GOODBYE = { type: "goodbye", reason: "draining", reconnectAfterMs: [1000, 3000], closeAfterMs: 9000 } as const;
const send = (id = "send_1"): Command => ({
  type: "message.send",
  id,
  chatId: "chat_9",
  message: { id: "q_1", role: "user", parts: [] },
});
const rename = (id: string, title = "x"): Command => ({ type: "chat.update", id, chatId: "c", title });

describe("resume", () => {
  it("names every position in the hello, and exactly the rest comes", () => {
    const pair = following();
    pair.world.chat("chat_1");
    pair.settle();
    pair.reconnect();
    const [hello] = pair.heard("hello");
    expect(hello?.events).toEqual({ epoch: "e1", offset: 1 });
    expect(hello?.streams).toEqual([{ streamId: "str_1", after: 5 }]);
    pair.world.logs.get("str_1")?.say("three ");
    pair.settle();
    expect(pair.text()).toBe("one two three ");
  });

  it("keeps the hello within its limit, and subscribes to the rest", () => {
    const pair = new Pair({ token: "t".repeat(7_500) });
    for (let number = 0; number < 32; number += 1) {
      const name = `str_${String(number).padStart(50, "0")}`;
      pair.world.log(name);
      pair.take(pair.core.subscribe(name, 0, pair.now));
    }
    pair.connected();
    const named = pair.heard("hello")[0]?.streams?.length ?? 0;
    expect(named).toBeGreaterThan(0);
    expect(pair.heard("stream.subscribe")).toHaveLength(32 - named);
    expect(pair.folds.size).toBe(32);
  });

  it("g10 drops chunks before the ack of a subscribe", () => {
    const pair = new Pair().connected();
    pair.world.log().say("a ");
    pair.take(pair.core.subscribe("str_1", 0, pair.now));
    const early = { type: "stream.chunk", streamId: "str_1", prev: 0, seq: 1, chunks: [{ type: "start" }] } as const;
    expect(pair.send(early)).toEqual([]);
    pair.settle();
    expect(pair.folds.get("str_1")?.message.id).toBe("msg_str_1");
  });

  it("subscribes again after the last chunk when some are missing", () => {
    const pair = following();
    pair.send({ type: "stream.chunk", streamId: "str_1", prev: 9, seq: 10, chunks: [] });
    pair.world.logs.get("str_1")?.say("three ");
    pair.settle();
    expect(pair.heard("stream.subscribe").map(({ after }) => after)).toEqual([5]);
    expect(pair.text()).toBe("one two three ");
  });

  it("g12 takes an end beyond our position for a gap", () => {
    const pair = following();
    const end = { type: "stream.end", streamId: "str_1", chatId: "c", messageId: "m", seq: 9, status: "completed" } as const;
    expect(pair.send(end)).toEqual([]);
    expect(pair.line().up.at(-1)).toContain("stream.subscribe");
  });

  it("g11 reports a stream that is gone", () => {
    const pair = following();
    pair.world.logs.delete("str_1");
    pair.reconnect();
    expect(pair.told("lost").map(({ error }) => error.code)).toEqual(["not_found"]);
  });

  it("g21 resumes events when some are missing", () => {
    const pair = new Pair().connected();
    pair.world.chat("c1");
    pair.world.chat("c2");
    pair.line().peer.offset = 1;
    pair.settle();
    expect(pair.heard("events.resume").map(({ offset }) => offset)).toEqual([0]);
    expect(pair.dashboard.view.chats).toHaveLength(2);
  });

  it("reads the dashboard again when the events are gone", () => {
    const pair = new Pair().connected();
    pair.world.chat("c1");
    pair.line().peer.offset = 1;
    pair.send({ type: "events.reset", epoch: "e1", offset: 1, reason: "slow_consumer" });
    pair.settle();
    expect(pair.told("reset")).toHaveLength(1);
    expect(pair.heard("dashboard.get")).toHaveLength(1);
    expect(pair.dashboard.view.chats).toHaveLength(1);
  });

  it("asks again for an event that overtook the snapshot", () => {
    const pair = new Pair().connected();
    pair.send({ type: "events.reset", epoch: "e1", offset: 0, reason: "slow_consumer" });
    pair.up(); // the snapshot is read at 0
    pair.world.chat("c1");
    pair.line().down.unshift(...pair.line().peer.pump());
    pair.settle();
    expect(pair.dashboard.view.chats).toHaveLength(1);
  });

  it("only says what was missed to a client without a dashboard", () => {
    const pair = new Pair({ dashboard: false }).connected();
    expect(pair.heard("hello")[0]?.snapshot).toBe("never");
    pair.world.epoch = "e2";
    pair.reconnect();
    expect(pair.told("reset")).toEqual([{ type: "reset", epoch: "e2", offset: 0, reason: "epoch_changed" }]);
  });
});

describe("commands", () => {
  it("g03 goes out again with the same id when its answer was lost", () => {
    const pair = new Pair().connected();
    pair.take(pair.core.command(send(), pair.now));
    pair.up();
    pair.reconnect();
    expect(pair.world.effects).toEqual(["send_1"]);
    expect(pair.told("answered")).toMatchObject([{ id: "send_1", duplicate: true }]);
    expect(pair.folds.get("str_1")?.message.id).toBe("msg_str_1");
  });

  it("waits for a socket, and says so", () => {
    const pair = new Pair();
    pair.take(pair.core.open(pair.now));
    pair.take(pair.core.command(rename("u1"), pair.now));
    expect(pair.core.stateOf("u1")).toBe("waiting");
    pair.settle();
    expect(pair.world.effects).toEqual(["u1"]);
    expect(pair.core.stateOf("u1")).toBeNull();
  });

  it("can be withdrawn until a server may have seen it", () => {
    const pair = new Pair().connected();
    pair.break();
    pair.take(pair.core.command(rename("u1"), pair.now));
    expect(pair.core.withdraw("u1")).toBe(true);
    pair.take(pair.core.command(rename("u2"), pair.now));
    pair.waitUntilDue();
    pair.settle();
    expect(pair.world.effects).toEqual(["u2"]);
    pair.take(pair.core.command(rename("u3"), pair.now));
    expect(pair.core.stateOf("u3")).toBe("sent");
    pair.break();
    expect(pair.core.withdraw("u3")).toBe(false);
  });

  it("goes out no more than the server takes at once", () => {
    const pair = new Pair().connected();
    for (let n = 0; n < 20; n += 1) pair.take(pair.core.command(rename(`u${n}`), pair.now));
    expect(pair.line().up).toHaveLength(16);
    pair.settle();
    expect(pair.world.effects).toHaveLength(20);
  });

  it("is refused here when the server would close over it", () => {
    const pair = new Pair().connected();
    expect(() => pair.core.command(rename("u", "x".repeat(300_000)), pair.now)).toThrow(FrameTooLarge);
  });

  it("is put off and sent again when the server says not now", () => {
    const pair = new Pair().connected();
    pair.take(pair.core.command(rename("u"), pair.now));
    pair.line().up.length = 0;
    pair.send({ type: "error", id: "u", error: refused("rate_limited", true, { retryAfterMs: 700 }) });
    expect(pair.told("refused")).toEqual([]);
    expect(pair.core.deadline(pair.now)).toBe(pair.now + 700);
    pair.wait(700);
    pair.settle();
    expect(pair.told("answered")).toHaveLength(1);
  });

  it("leaves a long wait to the application", () => {
    const pair = new Pair().connected();
    pair.take(pair.core.command(rename("u"), pair.now));
    pair.send({ type: "error", id: "u", error: refused("rate_limited", true, { retryAfterMs: 60_000 }) });
    expect(pair.told("refused")).toHaveLength(1);
  });

  it("goes on from where it is when the event was faster than the ack", () => {
    const pair = new Pair().connected();
    pair.take(pair.core.command(send(), pair.now));
    pair.up();
    const ack = pair.line().down.pop();
    pair.world.logs.get("str_1")?.say("a ");
    pair.take(pair.core.subscribe("str_1", 0, pair.now));
    pair.settle();
    pair.line().peer.cursors.set("str_1", 0); // what the server does with the ack
    if (ack) pair.line().down.push(ack);
    pair.world.logs.get("str_1")?.say("b ");
    pair.settle();
    expect(pair.text()).toBe("a b ");
  });

  it("an unanswered refresh is answered by the next welcome", () => {
    const pair = new Pair({ token: "old" }).connected();
    pair.take(pair.core.command({ type: "auth.refresh", id: "r1", token: "new" }, pair.now));
    pair.line().up.length = 0;
    pair.reconnect();
    expect(pair.heard("hello")[0]?.token).toBe("new");
    expect(pair.told("answered").map(({ id }) => id)).toEqual(["r1"]);
    expect(pair.heard("auth.refresh")).toEqual([]);
  });
});

it("a ticket is good once: the next hello presents the token it had", () => {
  const pair = new Pair({ token: "old" }).connected();
  pair.take(pair.core.command({ type: "auth.refresh", id: "r1", token: "twt_once" }, pair.now));
  pair.settle();
  pair.reconnect();
  expect(pair.heard("hello")[0]?.token).toBe("old");
});

describe("life and death of sockets", () => {
  it("g27 answers a ping after everything before it was handled", () => {
    const pair = following();
    pair.core.received(1, '{"type":"ping","id":"p1"}', pair.now);
    expect(pair.core.actions()).toEqual([{ type: "send", link: 1, text: '{"type":"pong","id":"p1"}' }]);
  });

  it("takes only the welcome that answers its hello", () => {
    const pair = new Pair();
    pair.take(pair.core.open(pair.now));
    pair.accept();
    pair.up();
    const welcome = pair.line().down[0];
    if (welcome?.type !== "welcome") throw new Error("no welcome came");
    pair.send({ ...welcome, id: "another" });
    expect(pair.core.state).toBe("authenticating");
    pair.send(welcome);
    expect(pair.core.state).toBe("ready");
  });

  it("g29 reconnects after 35 s of silence", () => {
    const pair = following();
    pair.wait(LIMITS.silenceMs - 1);
    pair.send({ type: "ping", id: "p" });
    pair.wait(LIMITS.silenceMs - 1);
    expect(pair.core.state).toBe("ready");
    expect(pair.wait(1)).toMatchObject([{ type: "disconnected" }]);
    expect(pair.closed).toEqual([[1, 4000]]);
    pair.waitUntilDue();
    pair.settle();
    expect(pair.core.state).toBe("ready");
  });

  it("opens a socket at once when a probe of the foreground is not answered in 5 s", () => {
    const pair = following();
    pair.take(pair.core.foreground(pair.now));
    pair.line().up.length = 0;
    pair.wait(4_999);
    expect(pair.core.state).toBe("ready");
    pair.wait(1);
    expect(pair.core.state).toBe("connecting");
    expect(pair.connecting).toEqual([2]);
  });

  it("changes nothing when it is answered", () => {
    const pair = following();
    pair.take(pair.core.foreground(pair.now));
    pair.settle();
    expect(pair.heard("ping")).toHaveLength(1);
    pair.wait(10_000);
    expect([...pair.lines.keys()]).toEqual([1]);
  });

  it("ends the wait for a retry when the foreground comes", () => {
    const pair = following();
    pair.break();
    expect(pair.core.state).toBe("backoff");
    pair.take(pair.core.foreground(pair.now));
    expect(pair.core.state).toBe("connecting");
  });

  it("spreads and caps its retries", () => {
    const pair = new Pair({ random: () => 0.999 });
    pair.take(pair.core.open(pair.now));
    const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => {
      const [notice] = pair.break(number);
      pair.waitUntilDue();
      return notice?.type === "disconnected" ? Math.round(notice.retryIn / 100) / 10 : null;
    });
    expect(waits).toEqual([0.5, 1, 2, 4, 8, 16, 20, 20]);
  });

  it("gives up a connect or a hello that nobody answers", () => {
    const pair = new Pair();
    pair.take(pair.core.open(pair.now));
    pair.waitUntilDue();
    expect(pair.core.state).toBe("backoff");
    pair.waitUntilDue();
    pair.accept();
    expect(pair.core.state).toBe("authenticating");
    pair.waitUntilDue();
    expect(pair.core.state).toBe("backoff");
  });

  it.each([4400, 4401, 4403, 4406, 4409, 1009])("stops on %d", (code) => {
    const pair = following();
    expect(pair.break(1, code)).toEqual([{ type: "stopped", code, error: null }]);
    expect(pair.core.deadline(pair.now)).toBeNull();
  });

  it.each([1001, 1006, 1011, 1012, 1013, 4500, 4503, 4504, 4508, 4529])("comes back after %d", (code) => {
    const pair = following();
    pair.break(1, code);
    expect(pair.core.state).toBe("backoff");
  });

  it("believes the fatal error when a proxy swallowed the code", () => {
    const pair = following();
    const error = refused("session_revoked");
    pair.send({ type: "error", error, fatal: true });
    expect(pair.break()).toEqual([{ type: "stopped", code: 4403, error }]);
  });

  it("stays away as long as it was asked to", () => {
    const pair = following();
    pair.send({ type: "error", error: refused("overloaded", true, { retryAfterMs: 9_000 }), fatal: true });
    expect(pair.break(1, 1013)).toMatchObject([{ retryIn: 9_000 }]);
  });

  it.each(["[]", "{", '{"type":"ack"}', '{"type":"stream.chunk","streamId":1}'])("leaves a server that says %s", (text) => {
    const pair = following();
    pair.take(pair.core.received(1, text, pair.now));
    expect(pair.closed).toEqual([[1, 4400]]);
    expect(pair.core.state).toBe("backoff");
  });

  it("closes for good, and twice is once", () => {
    const pair = following();
    pair.take(pair.core.close());
    pair.take(pair.core.close());
    expect(pair.closed).toEqual([[1, 1000]]);
    expect(pair.core.deadline(pair.now)).toBeNull();
  });
});

describe("goodbye", () => {
  it("moves without a break, and says again what the tab shows", () => {
    const pair = following();
    const presence = { type: "presence.update", visibility: "visible", chatId: "chat_1" } as const;
    pair.take(pair.core.presence(presence));
    pair.send(GOODBYE);
    pair.wait(1_999);
    expect([...pair.lines.keys()]).toEqual([1]);
    pair.wait(1); // 1 s + 0.5 * 2 s
    pair.accept();
    pair.world.logs.get("str_1")?.say("three ");
    pair.line(1).down.push(...pair.line(1).peer.pump());
    pair.down(1); // the old socket still delivers, past the position in the hello
    expect(pair.text()).toBe("one two three ");
    pair.settle();
    expect(pair.told("connected").map(({ moved }) => moved)).toEqual([false, true]);
    expect(pair.told("disconnected")).toEqual([]);
    expect([...pair.lines.keys()]).toEqual([2]);
    expect(pair.heard("presence.update", 2)).toEqual([presence]);
    expect(pair.heard("stream.subscribe", 2).map(({ after }) => after)).toEqual([6]);
  });

  it("g30 keeps the old socket until it has answered", () => {
    const pair = following("str_0");
    pair.take(pair.core.command(send(), pair.now));
    pair.send(GOODBYE);
    pair.waitUntilDue();
    pair.accept();
    pair.up(2);
    pair.down(2);
    expect(pair.core.state).toBe("ready");
    expect([...pair.lines.keys()]).toEqual([1, 2]);
    pair.up(1);
    pair.down(1); // the ack; its stream must be followed on the new socket
    expect([...pair.lines.keys()]).toEqual([2]);
    pair.world.logs.get("str_2")?.say("x ");
    pair.settle();
    expect(pair.text("str_2")).toBe("x ");
  });

  it("leaves the new socket in charge when the old one dies before the move", () => {
    const pair = following();
    pair.send(GOODBYE);
    pair.waitUntilDue();
    pair.break(1);
    expect(pair.core.state).toBe("connecting");
    pair.settle();
    expect(pair.core.state).toBe("ready");
  });

  it("g30 keeps what a server that goes refuses for the next one, however long that takes", () => {
    const pair = new Pair().connected();
    pair.send(GOODBYE);
    pair.take(pair.core.command(send(), pair.now));
    pair.line(1).up.length = 0;
    pair.send({ type: "error", id: "send_1", error: refused("draining", true) });
    for (let number = 2; number < 9; number += 1) {
      pair.waitUntilDue();
      pair.break(number); // a balancer that leads nowhere
    }
    expect(pair.line(1).up).toEqual([]);
    expect(pair.told("refused")).toEqual([]);
    pair.waitUntilDue();
    pair.settle();
    expect(pair.world.effects).toEqual(["send_1"]);
  });

  it("tries a refused move again while the old socket lives", () => {
    const pair = following();
    pair.send(GOODBYE);
    pair.waitUntilDue();
    pair.break(2, 1012);
    expect(pair.core.state).toBe("draining");
    pair.waitUntilDue();
    pair.settle();
    expect([...pair.lines.keys()]).toEqual([3]);
  });
});
