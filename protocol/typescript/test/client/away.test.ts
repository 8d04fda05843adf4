import { describe, expect, it } from "vitest";
import type { Command } from "../../src/commands.js";
import { Pair } from "./pair.js";
import { refused } from "./peer.js";

const rename = (id: string): Command => ({ type: "chat.update", id, chatId: "c", title: "x" });

describe("a command that is refused because the database is away", () => {
  const away = (id: string, more = {}) => ({ type: "error" as const, id, error: refused("unavailable", true, more) });
  const refusedOnce = () => {
    const pair = new Pair().connected();
    pair.take(pair.core.command(rename("u1"), pair.now));
    pair.line().up.length = 0;
    pair.send(away("u1"));
    return pair;
  };

  it("is tried again until it is there, under the same id", () => {
    const pair = refusedOnce();
    pair.wait(500);
    pair.line().up.length = 0;
    pair.send(away("u1", { retryAfterMs: 1_500 }));
    expect(pair.core.deadline(pair.now)).toBe(pair.now + 1_500);
    pair.wait(1_500);
    pair.settle();
    expect(pair.world.effects).toEqual(["u1"]);
    expect(pair.told("refused")).toEqual([]);
  });

  it("is refused when it has not come back after five seconds", () => {
    const pair = refusedOnce();
    const start = pair.now;
    while (pair.told("refused").length === 0) {
      pair.wait(500);
      pair.line().up.length = 0;
      pair.send(away("u1"));
    }
    expect([pair.now - start, pair.core.deadline(pair.now) === null]).toEqual([5_000, false]);
    expect(pair.core.stateOf("u1")).toBeNull();
  });

  it("keeps its place before what is given later about the same chat", () => {
    const pair = refusedOnce();
    pair.take(pair.core.command(rename("u2"), pair.now));
    pair.take(pair.core.command({ type: "stream.stop", id: "s", chatId: "c" }, pair.now));
    pair.take(pair.core.command({ type: "chat.update", id: "u3", chatId: "another", title: "t" }, pair.now));
    expect(["u1", "u2", "s", "u3"].map((id) => pair.core.stateOf(id))).toEqual(["waiting", "waiting", "sent", "sent"]);
    pair.wait(500);
    pair.settle();
    expect(pair.world.effects.filter((id) => id.startsWith("u"))).toEqual(["u3", "u1", "u2"]);
  });

  it("can be withdrawn, unless it may have been carried out before", () => {
    const pair = refusedOnce();
    expect(pair.core.withdraw("u1")).toBe(true);
    pair.take(pair.core.command(rename("u2"), pair.now));
    pair.break(); // nobody knows what became of it
    pair.waitUntilDue();
    pair.accept();
    pair.up();
    pair.down();
    expect(pair.core.stateOf("u2")).toBe("sent");
    pair.send(away("u2"));
    expect([pair.core.stateOf("u2"), pair.core.withdraw("u2")]).toEqual(["waiting", false]);
  });

  it("is not tried again once it was overtaken", () => {
    const pair = new Pair().connected();
    for (const id of ["u1", "u2"]) pair.take(pair.core.command(rename(id), pair.now));
    pair.line().up.shift();
    pair.send(away("u1"));
    pair.settle();
    expect(pair.told("refused").map(({ id }) => id)).toEqual(["u1"]);
    expect(pair.world.effects).toEqual(["u2"]);
  });
});
