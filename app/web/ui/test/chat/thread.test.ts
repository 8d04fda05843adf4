/** Whatever order acks, events and chunks come in, a chat shows each message once and ends equal to the history. */

import { type EventFrame, textOf } from "@tidewire/client";
import { describe, expect, it } from "vitest";
import type { Content } from "../../src/chat/asking";
import { sourceText, type ThreadMessage } from "../../src/chat/message";
import { Thread } from "../../src/chat/thread";
import { CHAT, House, OTHER, settled } from "./world";

const text = (words: string): Content => [{ type: "text", text: words }];

class Story {
  readonly house = new House();
  readonly thread = new Thread(CHAT, this.house.client);
  #seed: number;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.house.client.onEvent((event: EventFrame) => this.thread.event(event));
    this.house.client.dashboard.subscribe(() => this.thread.rowChanged());
    this.thread.subscribe(() => this.once());
  }

  random(below: number): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((this.#seed / 2 ** 31) * below);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.random(from.length)];
  }

  /** Each message stands here once, whatever has come so far. */
  once(): void {
    const ids = this.thread.view.messages.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  }

  /** Something that a person does here. */
  here(): void {
    const { messages, isBusy } = this.thread.view;
    const questions = messages.filter(({ status }) => status === "stored");
    const last = messages.at(-1);
    const deeds = [
      () => this.thread.send(text(`Question ${++this.#count}`)),
      () => void this.thread.stop().catch(() => {}),
      () => void (questions.length > 0 && !isBusy && this.thread.edit(this.pick(questions)?.id ?? "", text(`Edit ${++this.#count}`)).catch(() => {})),
      () => void (last?.role === "assistant" && !isBusy && this.thread.rewrite(last.id, last.status === "completed" ? "regenerate" : "retry")),
      () => void this.thread.select(this.pick([...this.house.world.messages.keys()]) ?? "").catch(() => {}),
    ];
    this.pick(deeds)?.();
  }

  /** Something that happens on another device. */
  elsewhere(): void {
    const { world } = this.house;
    const id = `other_${++this.#count}`;
    const stored = [...world.messages.values()];
    const question = this.pick(stored.filter(({ role }) => role === "user"));
    const answer = this.pick(stored.filter(({ role }) => role === "assistant"));
    const message = { id: `q_${id}`, role: "user", parts: [...text(`Asked elsewhere ${id}`)] };
    const frames = [
      { type: "message.send", id, message, ifActive: this.pick(["queue", "stop"]) },
      ...(question ? [{ type: "message.edit", id, messageId: question.id, message, ifActive: "stop" }] : []),
      ...(answer ? [{ type: "message.regenerate", id, messageId: answer.id, ifActive: "stop" }] : []),
      ...(answer ? [{ type: "message.select", id, messageId: answer.id }] : []),
    ];
    const frame = this.pick(frames);
    if (frame) world.do(frame as never, OTHER);
  }

  /** The model writes, or has done so. */
  write(): void {
    const { active } = this.house.world;
    if (!active) return;
    if (active.status === "stopping") this.house.world.end(active, "stopped");
    else if (this.random(4) === 0) this.house.world.end(active, "completed");
    else this.house.world.say(active, `word ${++this.#count} `);
  }

  async step(): Promise<void> {
    const chance = this.random(100);
    if (chance < 6) this.here();
    else if (chance < 9) this.elsewhere();
    else if (chance < 25) this.write();
    else if (chance < 26) await this.house.cut();
    else this.pick(this.house.steps)?.();
    await settled();
  }

  /** Everything that is under way arrives, and every answer ends. */
  async end(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      const { active } = this.house.world;
      const step = this.pick(this.house.steps);
      if (step) step();
      else if (active) this.write();
      quiet = step || active ? 0 : quiet + 1;
      await settled();
    }
  }

  shown(): unknown {
    return this.thread.view.messages.filter(({ status }) => status !== "refused").map(asStored);
  }

  stored(): unknown {
    return this.house.world.history.map((message) => ({ id: message.id, role: message.role, text: textOf(message), status: message.metadata?.status ?? "stored" }));
  }
}

const asStored = (message: ThreadMessage) => ({ id: message.id, role: message.role, text: sourceText(message), status: message.status });

const SEEDS = Array.from({ length: 200 }, (_, at) => at + 1);

describe("a chat", () => {
  it("shows each message once and ends equal to the history, whatever comes first", async () => {
    for (const seed of SEEDS) {
      const story = new Story(seed);
      if (seed % 2 === 0) void story.thread.load();
      else story.thread.send(text("The first question"));
      for (let at = 0; at < 120; at += 1) await story.step();
      await story.end();
      expect({ seed, shown: story.shown() }).toEqual({ seed, shown: story.stored() });
      expect({ seed, isBusy: story.thread.view.isBusy }).toEqual({ seed, isBusy: false });
    }
  }, 120_000); // many stories; a busy machine may take its time
});
