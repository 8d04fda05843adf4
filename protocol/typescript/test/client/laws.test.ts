/** Whatever the network does, every stream folds to its message and the dashboard to a fresh one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Dashboard } from "../../src/client/dashboard.js";
import { fold } from "../../src/parts/fold.js";
import { Pair } from "./pair.js";
import { World } from "./peer.js";

const MISCHIEF = [
  "say", "say", "say", "end", "chat", "chat", "delete", "up", "up", "up", "down", "down", "down", "down", "drop",
  "double", "swap", "cut", "goodbye", "accept", "accept", "wait", "trim", "send", "rename", "foreground",
] as const; // prettier-ignore
const DATA = new Set(["stream.chunk", "event", "stream.end"]);

/** Interprets steps; every choice comes from the numbers given. */
class Chaos {
  readonly pair: Pair;
  readonly sent: string[] = [];
  #words = 0;
  readonly #choose: (most: number) => number;

  constructor(choose: (most: number) => number) {
    this.#choose = choose;
    this.pair = new Pair({ random: () => choose(999) / 1000 });
    this.pair.cut = (at, head) => at + 1 + choose(head - at - 1);
    for (const stream of ["str_a", "str_b"]) {
      this.pair.world.log(stream);
      this.pair.take(this.pair.core.subscribe(stream, 0, this.pair.now));
    }
    this.pair.connected();
  }

  #any<T>(items: Iterable<T>): T | undefined {
    const all = [...items];
    return all[this.#choose(Math.max(0, all.length - 1))];
  }

  get #line() {
    const number = this.#any(this.pair.lines.keys());
    return number === undefined ? undefined : { number, ...this.pair.line(number) };
  }

  step(name: (typeof MISCHIEF)[number]): void {
    const { pair } = this;
    const line = this.#line;
    const running = this.#any([...pair.world.logs.values()].filter((log) => log.isRunning));
    switch (name) {
      case "say":
        running?.say(`${(this.#words += 1)} `);
        return;
      case "end":
        if (this.#choose(2) === 0) running?.finish();
        return;
      case "chat":
        pair.world.chat(`chat_${this.#choose(3)}`, { title: `t${(this.#words += 1)}` });
        return;
      case "delete": {
        const chatId = this.#any(pair.world.chats.keys());
        return chatId === undefined ? undefined : pair.world.deleteChat(chatId);
      }
      case "up":
        return line && pair.up(line.number);
      case "down":
        line?.down.push(...line.peer.pump());
        return void (line && pair.down(line.number));
      case "drop":
      case "double":
      case "swap":
        return this.#spoil(name, line?.down ?? []);
      case "cut":
        return void (line && pair.break(line.number));
      case "goodbye":
        if (pair.core.state !== "ready") return;
        return void pair.send({ type: "goodbye", reason: "draining", reconnectAfterMs: [0, 200], closeAfterMs: 5_000 });
      case "accept":
        return pair.accept();
      case "wait":
        return void pair.wait(this.#any([10, 300, 3_000, 12_000]) ?? 0);
      case "trim":
        pair.world.trimmed = pair.world.events.length;
        return;
      case "foreground":
        return void pair.take(pair.core.foreground(pair.now));
      case "send":
        if (this.sent.length > 4) return;
        return this.#command({ type: "message.send", chatId: "chat_9", message: { id: "q", role: "user", parts: [] } });
      case "rename":
        return this.#command({ type: "chat.update", chatId: "chat_1", title: "r" });
    }
  }

  #command(fields: object): void {
    const id = `mine_${this.sent.length}`;
    this.sent.push(id);
    this.pair.take(this.pair.core.command({ ...fields, id } as Parameters<Pair["core"]["command"]>[0], this.pair.now));
  }

  #spoil(how: "drop" | "double" | "swap", down: { readonly type: string }[]): void {
    const [first, second] = down;
    if (!first || !DATA.has(first.type)) return;
    if (how === "drop") down.shift();
    else if (how === "double") down.unshift(first);
    else if (second && DATA.has(second.type)) down.splice(0, 2, second, first);
  }
}

it("g19 g22 every interleaving ends with the same fold and dashboard", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...MISCHIEF), { minLength: 10, maxLength: 120 }),
      fc.infiniteStream(fc.nat(9_999)),
      (steps, numbers) => {
        const choose = (most: number): number => (numbers.next().value as number) % (most + 1);
        const chaos = new Chaos(choose);
        for (const step of steps) chaos.step(step);
        const { pair } = chaos;
        pair.heal();
        for (const log of pair.world.logs.values()) if (log.isRunning) log.finish();
        pair.heal();

        expect(pair.told("lost")).toEqual([]);
        const answers = [...pair.told("answered"), ...pair.told("refused")].map(({ id }) => id);
        expect(answers.sort()).toEqual([...chaos.sent].sort());
        expect(new Set(pair.world.effects).size).toBe(pair.world.effects.length);
        for (const [streamId, log] of pair.world.logs) {
          expect(pair.folds.get(streamId)?.message).toEqual(fold(log.chunks).message);
          expect(pair.ended.get(streamId)?.seq).toBe(log.chunks.length);
        }
        expect(pair.dashboard.view.chats).toEqual(fresh(pair.world).view.chats);
      },
    ),
    { numRuns: 150 },
  );
});

it("g19 resuming from every cut makes the whole", () => {
  const words = Array.from({ length: 12 }, (_, n) => `word${n} `);
  for (let cut = 1; cut <= words.length + 3; cut += 1) {
    const pair = new Pair();
    const log = pair.world.log().say(...words);
    let open = cut;
    pair.cut = (at, head) => Math.max(at + 1, Math.min(head, open));
    pair.take(pair.core.subscribe("str_1", 0, pair.now));
    pair.take(pair.core.open(pair.now));
    pair.accept();
    pair.up();
    pair.down();
    pair.line().down.push(...pair.line().peer.pump());
    pair.down();
    open = Number.POSITIVE_INFINITY;
    pair.reconnect();
    log.finish();
    pair.settle();
    expect(pair.heard("hello")[0]?.streams).toEqual([{ streamId: "str_1", after: cut }]);
    expect(pair.text()).toBe(words.join(""));
  }
});

type Change = readonly ["chat" | "delete", number, string];
const HISTORY = fc.array(fc.tuple(fc.constantFrom("chat", "delete"), fc.integer({ min: 1, max: 6 }), fc.string()), {
  maxLength: 30,
});

function live(world: World, history: readonly Change[]): void {
  for (const [verb, number, title] of history) {
    if (verb === "chat") world.chat(`c${number}`, { title });
    else if (world.chats.has(`c${number}`)) world.deleteChat(`c${number}`);
  }
}

function fresh(world: World): Dashboard {
  const dashboard = new Dashboard();
  dashboard.replace(world.snapshot(undefined, 1_000));
  return dashboard;
}

it("g22 a snapshot and the later events equal a fresh one, even when some are in it already", () => {
  fc.assert(
    fc.property(HISTORY, HISTORY, fc.nat(30), (before, after, overlap) => {
      const world = new World();
      live(world, before);
      const position = world.events.length; // it is read before the data
      live(world, after.slice(0, overlap));
      const kept = fresh(world);
      live(world, after.slice(overlap));
      for (const event of world.events.slice(position)) kept.apply(event);
      expect(kept.view.chats).toEqual(fresh(world).view.chats);
    }),
  );
});

it("g22 an event applied twice or late changes nothing", () => {
  fc.assert(
    fc.property(HISTORY, fc.infiniteStream(fc.nat(9_999)), (history, numbers) => {
      const world = new World();
      live(world, history);
      const once = new Dashboard();
      const again = new Dashboard();
      for (const [at, event] of world.events.entries()) {
        once.apply(event);
        again.apply(event);
        const late = world.events[(numbers.next().value as number) % (at + 1)];
        if (late) again.apply(late);
      }
      expect(again.view).toEqual(once.view);
    }),
  );
});

it("g22 pages read one by one, with events between, make the top of the fresh list", () => {
  fc.assert(
    fc.property(HISTORY, HISTORY, fc.integer({ min: 1, max: 3 }), (before, after, size) => {
      const world = new World();
      world.page = size;
      live(world, before);
      const kept = new Dashboard();
      kept.replace(world.snapshot());
      const seen = world.events.length;
      live(world, after);
      for (const event of world.events.slice(seen)) kept.apply(event);
      const { chats, more } = kept.view;
      const whole = fresh(world).view.chats;
      expect(chats).toEqual(whole.slice(0, chats.length));
      expect(more || chats.length === whole.length).toBe(true);
    }),
  );
});

it("a chat below the last page read is known, but not listed among others that are not", () => {
  const world = new World();
  world.page = 1;
  const [old] = [world.chat("c1"), world.chat("c2"), world.chat("c3")];
  const dashboard = new Dashboard();
  dashboard.replace(world.snapshot());
  const renamed = { ...old, title: "renamed", version: 9 };
  dashboard.apply({ type: "event", offset: 4, name: "chat.updated", time: 0, data: { chatId: "c1", chat: renamed } });
  expect(dashboard.view.chats.map(({ chatId }) => chatId)).toEqual(["c3"]);
  expect(dashboard.chat("c1")).toEqual(renamed);
  dashboard.extend(world.snapshot("c3", 2));
  expect(dashboard.view.chats.map(({ title }) => title)).toEqual(["", "", "renamed"]);
});

it("a view is the same object until something changes", () => {
  const world = new World();
  world.chat("c1");
  const dashboard = fresh(world);
  expect(dashboard.view).toBe(dashboard.view);
  const before = dashboard.view;
  world.deleteChat("c1");
  for (const event of world.events) dashboard.apply(event);
  expect(dashboard.view).not.toBe(before);
  expect(dashboard.view.chats).toEqual([]);
});
