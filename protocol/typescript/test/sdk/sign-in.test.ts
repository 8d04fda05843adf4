import { expect, it } from "vitest";
import { cookieSession } from "../../src/sdk/sign-in.js";

/** The calls of a page that asks who it is, where the server answers that question so. */
async function calls(status: number, times = 0): Promise<readonly string[]> {
  const found: string[] = [];
  const token = cookieSession("http://house", async (url, init) => {
    found.push(`${init?.method ?? "GET"} ${url.replace("http://house", "")}`);
    const isGuest = init !== undefined;
    const body = { userId: "usr_1", token: "tws_1", expiresAt: 1 };
    return { ok: isGuest || status < 300, status: isGuest ? 200 : status, json: async () => body };
  });
  await Promise.all(Array.from({ length: times }, () => token("hello")));
  await token("hello");
  return found;
}

const ASKS = "GET /v1/auth/session?optional=true";

it.each([204, 401])("a visitor (%i) becomes one guest, however many ask at once", async (status) => {
  expect(await calls(status, 2)).toEqual([ASKS, "POST /v1/auth/guest"]);
});

it("who could not be met is met again", async () => {
  const answers = [Promise.reject(new TypeError("no network")), Promise.resolve({ ok: true, status: 200, json: async () => ({}) })];
  const token = cookieSession("", () => answers.shift() ?? Promise.reject(new Error("asked too often")));
  await expect(token("hello")).rejects.toThrow("no network");
  await token("hello");
  await token("hello");
});

it.each([200, 403, 500, 503])("nobody becomes a guest whom the server (%i) knows, or cannot tell", async (status) => {
  expect(await calls(status)).toEqual([ASKS]);
});
