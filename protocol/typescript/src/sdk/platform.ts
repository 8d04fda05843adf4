/**
 * What the client needs of the place it runs in. Browsers have it ready (`@tidewire/client/browser`); React Native and
 * tests bring their own.
 */

import type { Reply } from "./http.js";

/**
 * A websocket, as far as the client needs one; every standard `WebSocket` is one, whatever its events are called.
 * Of a message its `data` is read, of a close its `code`.
 */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

/** Time; all of it in milliseconds. */
export interface Clock {
  /** Monotonic. */
  now(): number;
  /** Since 1970. */
  unixMs(): number;
  /** Call back after a while; returns how to call it off. */
  after(ms: number, callback: () => void): () => void;
}

/** What keeps unsent questions over a restart, by key; React Native's AsyncStorage is one as it stands. */
export interface Storage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
  getAllKeys(): readonly string[] | Promise<readonly string[]>;
}

/** What a person does with the application: looks at it, looks away; or the network comes back. */
export type Signal = "visible" | "hidden" | "online";

/** The bytes of a file: as they are, or in a `File` or `Blob`, which says of which type it is and maybe its name. */
export type FileContent = Uint8Array | { readonly size: number; readonly type: string; readonly name?: string };

export interface Platform {
  openSocket(url: string, protocol: string): SocketLike;
  readonly clock: Clock;
  /** So many random bytes, for ids; they need to be unique, not secret. */
  randomBytes(count: number): ArrayLike<number>;
  /** Report signals from now on, beginning with how it stands; returns how to end that. */
  watch?(listener: (signal: Signal) => void): () => void;
  /** POST these bytes with these headers, as `fetch` does; without it nothing can be uploaded. */
  upload?(url: string, headers: Readonly<Record<string, string>>, body: FileContent): Promise<Reply>;
  /** Where unsent questions are kept; without it they last as long as the client. */
  readonly storage?: Storage;
}
