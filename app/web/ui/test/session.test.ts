import type { Client, ConnectionView } from "@tidewire/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Session } from "../src/account/session";
import { SIGNED_OUT_LOOKS_MS } from "../src/timing";

const ADA = { userId: "ada", guest: false, email: "ada@example.org" };
const GUEST = { userId: "guest", guest: true };

let answer: { status: number; body: object };
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(location, "assign").mockImplementation(() => {});
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(answer.body), { status: answer.status }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A session of Ada, whose connection has stopped with this code, and what the server says of her cookie now. */
async function stopped(code: number, now: typeof answer) {
  const open = vi.fn();
  const session = new Session();
  session.follow({ open, connection: { getSnapshot: () => ({ state: "stopped" }) as ConnectionView } } as unknown as Client);
  answer = { status: 200, body: ADA };
  session.greeted(ADA.userId);
  await vi.advanceTimersByTimeAsync(0);
  answer = now;
  session.stopped(code);
  await vi.advanceTimersByTimeAsync(SIGNED_OUT_LOOKS_MS.reduce((sum, ms) => sum + ms));
  return { open, session: session.getSnapshot(), isElsewhere: vi.mocked(location.assign).mock.calls.length > 0 };
}

describe("a session that has ended", () => {
  it("goes on when another tab has begun the next one of the same person", async () => {
    const { open, session, isElsewhere } = await stopped(4403, { status: 200, body: ADA });
    expect([open.mock.calls.length, session.isLocked, isElsewhere]).toEqual([1, false, false]);
  });

  it("begins anew as somebody else", async () => {
    localStorage.setItem("tidewire.draft.c1", "{}");
    const { open, isElsewhere } = await stopped(4401, { status: 200, body: GUEST });
    expect([open.mock.calls.length, isElsewhere, localStorage.getItem("tidewire.draft.c1")]).toEqual([0, true, null]);
  });

  it("asks to sign in when nobody is there", async () => {
    const { open, session, isElsewhere } = await stopped(4401, { status: 401, body: { error: { message: "No." } } });
    expect([open.mock.calls.length, session.isLocked, isElsewhere]).toEqual([0, true, false]);
  });

  it("tries on while the server cannot say", async () => {
    const { open, session } = await stopped(4401, { status: 503, body: {} });
    expect([open.mock.calls.length, session.isLocked]).toEqual([1, false]);
  });
});

it("a close for another reason asks nobody to sign in", async () => {
  const { open, session } = await stopped(4406, { status: 401, body: {} });
  expect([open.mock.calls.length, session.isLocked]).toEqual([0, false]);
});

it("somebody else's greeting begins anew", async () => {
  const { isElsewhere } = await stopped(4406, { status: 200, body: ADA });
  expect(isElsewhere).toBe(false);
  const session = new Session();
  answer = { status: 200, body: ADA };
  session.greeted(ADA.userId);
  await vi.advanceTimersByTimeAsync(0);
  session.greeted(GUEST.userId);
  expect(location.assign).toHaveBeenCalledWith("/");
});
