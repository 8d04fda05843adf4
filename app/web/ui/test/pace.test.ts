import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frameMeter, type Meter, Pace } from "../src/pace";

const BOUNDS = { leastMs: 16, mostMs: 100, share: 1 / 10 };

/** A pace after so many draws, each of which has cost as much as it says. */
function after(draws: number, cost: (draw: number) => number): Pace {
  let now = 0;
  const meter: Meter = (what, tell) => {
    what();
    tell(cost(now));
  };
  const pace = new Pace(BOUNDS, meter);
  while (now < draws) {
    let isDrawn = false;
    pace.draw(() => void (isDrawn = true));
    expect(isDrawn).toBe(true); // measured or not
    now += 1;
  }
  return pace;
}

describe("a pace", () => {
  it.each([0, 0.1, 1, 1.6])("draws once a frame while a draw costs %f ms", (ms) => {
    expect(after(1_000, () => ms).ms).toBe(16);
  });

  it.each([2, 3.2, 5, 9])("leaves nine tenths of the tab's time where a draw costs %f ms", (ms) => {
    expect(after(1_000, () => ms).ms).toBeCloseTo(10 * ms, 1);
  });

  it("keeps words coming, however slow the tab", () => {
    expect(after(1_000, () => 80).ms).toBeCloseTo(100);
  });

  it("does not mind a single hitch, however long, for more than some draws", () => {
    const hitch = (draw: number) => (draw === 800 ? 2_000 : 1);
    expect(after(801, hitch).ms).toBeCloseTo(32.5);
    expect(after(801 + 40, hitch).ms).toBe(16);
  });

  it("speeds up again once draws cost less", () => {
    expect(after(400, (draw) => (draw < 200 ? 5 : 1)).ms).toBe(16);
  });
});

describe("the meter of frames", () => {
  let frames: FrameRequestCallback[];
  beforeEach(() => {
    frames = [];
    vi.stubGlobal("requestAnimationFrame", (frame: FrameRequestCallback) => frames.push(frame));
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  const frame = () => {
    for (const shown of frames.splice(0)) shown(0);
  };

  it("counts what was drawn at once, in microtasks before its own, and in the frame", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const cost = new Promise<number>((tell) => {
      frameMeter()(() => {
        now += 2;
        queueMicrotask(() => {
          now += 1;
          queueMicrotask(() => (now += 2));
        });
      }, tell);
    });
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    now += 500; // until the next frame
    frame();
    now += 4;
    expect(await cost).toBe(9);
  });

  it("measures one draw at a time: none more while a hidden tab shows no frame", async () => {
    const meter = frameMeter();
    let drawn = 0;
    for (let draw = 0; draw < 5; draw += 1) meter(() => (drawn += 1), () => {});
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    expect(drawn).toBe(5);
    expect(frames.length).toBe(1);
  });
});
