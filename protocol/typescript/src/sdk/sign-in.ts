/** Ways to be somebody: a guest with a token, or whoever the browser's cookie says (PROTOCOL, section 10). */

import { CLOSES } from "../codes.js";
import type { ErrorObject } from "../frames.js";
import { object, type Read, text, whole } from "../reading.js";
import type { TokenSource } from "./driver.js";
import { CommandRefused, ConnectFailed } from "./errors.js";
import { answerOf, type Reply } from "./http.js";

/** `fetch`, as far as it is needed here. */
export type Fetch = (
  url: string,
  init?: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body: string },
) => Promise<Reply>;

/** A guest: keep the token to be the same user again; `expiresAt` in Unix milliseconds. */
export interface GuestSession {
  readonly userId: string;
  readonly token: string;
  readonly expiresAt: number;
}

const session = object<GuestSession>({ userId: text, token: text, expiresAt: whole });
/** A visitor, or a cookie that proves nothing any more. */
const NOBODY: readonly number[] = [204, 401];
const ticket = object<{ readonly ticket: string }>({ ticket: text });

/**
 * Make a guest session.
 *
 * @param url the server's address, as `http://127.0.0.1:8000`.
 * @throws CommandRefused when the server takes no guests, or too many came from this address.
 */
export const guestSession = (url: string, fetch: Fetch): Promise<GuestSession> =>
  post(url, "/v1/auth/guest", fetch, session);

/**
 * Be who the cookie says; a visitor without one becomes a guest. A live socket is renewed with a ticket.
 *
 * @param url where the page comes from; empty for the page's own address.
 */
export function cookieSession(url: string, fetch: Fetch): TokenSource {
  let known: Promise<void> | null = null; // one for all who ask at once, so that a visitor becomes one guest
  const meet = async () => {
    const { status } = await fetch(`${url}/v1/auth/session?optional=true`);
    if (NOBODY.includes(status)) await guestSession(url, fetch);
  };
  return async (why) => {
    try {
      if (why === "refresh") return (await post(url, "/v1/auth/ticket", fetch, ticket)).ticket;
      await (known ??= meet());
      return undefined;
    } catch (failure) {
      known = null;
      throw failure instanceof CommandRefused ? failedConnect(failure.error) : failure;
    }
  };
}

/** The same refusal in the words of the connection: whether a new socket may help. */
function failedConnect({ code, message, retryable }: ErrorObject): ConnectFailed {
  return new ConnectFailed(retryable ? 1006 : (CLOSES[code] ?? 4401), message);
}

async function post<T>(url: string, path: string, fetch: Fetch, read: Read<T>): Promise<T> {
  const headers = { "content-type": "application/json" };
  return answerOf(path, await fetch(url + path, { method: "POST", headers, body: "{}" }), read);
}
