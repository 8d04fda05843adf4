/** A client for browsers (and for Node from 22 on): sockets, time, chance, storage and attention as they come there. */

import { Client, type ClientOptions } from "./sdk/client.js";
import type { Clock, Platform, Signal, Storage } from "./sdk/platform.js";
import { cookieSession } from "./sdk/sign-in.js";

export interface BrowserOptions extends Omit<ClientOptions, "url" | "platform"> {
  /** The server's address; the page's own when left out. */
  readonly url?: string;
}

/**
 * A client of the page's own server, signed in by cookie; a visitor without one becomes a guest.
 *
 * Questions that were not confirmed yet are kept in the local storage. `open()` it once.
 */
export function createClient({ url = location.origin, ...options }: BrowserOptions = {}): Client {
  const token = options.token ?? cookieSession(url, (input, init) => fetch(input, init));
  return new Client({ ...options, token, url, platform: browser() });
}

/** What a browser offers. */
export function browser(): Platform {
  const storage = keptLocally();
  return {
    openSocket: (url, protocol) => new WebSocket(url, protocol),
    clock: systemClock,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    watch: watchPage,
    // A `File` is one of ours and one of the browser's, which the types cannot know.
    upload: (url, headers, body) => fetch(url, { method: "POST", headers, body: body as Blob }),
    ...(storage ? { storage } : {}),
  };
}

export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Tell when the page is looked at or away from, and when the network comes back; also when it wakes from the cache. */
function watchPage(listener: (signal: Signal) => void): () => void {
  if (typeof document === "undefined") return () => {};
  const looked = () => listener(document.hidden ? "hidden" : "visible");
  const online = () => listener("online");
  const sources = [
    [document, "visibilitychange", looked],
    [window, "pageshow", looked],
    [window, "online", online],
  ] as const;
  for (const [target, name, handler] of sources) target.addEventListener(name, handler);
  looked();
  return () => {
    for (const [target, name, handler] of sources) target.removeEventListener(name, handler);
  };
}

/** The local storage; undefined where it is missing or forbidden, as in some private windows. */
function keptLocally(): Storage | undefined {
  try {
    const kept = globalThis.localStorage;
    return {
      getItem: (key) => kept.getItem(key),
      setItem: (key, value) => kept.setItem(key, value),
      removeItem: (key) => kept.removeItem(key),
      getAllKeys: () => Array.from({ length: kept.length }, (_, at) => kept.key(at) ?? ""),
    };
  } catch {
    return undefined;
  }
}
