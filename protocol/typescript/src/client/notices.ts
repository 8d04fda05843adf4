/**
 * What a client connection says: notices for the application, actions for whoever drives the sockets.
 *
 * Where a frame of the server already is what the application wants to know, the notice is that frame.
 */

import type { StreamHead } from "../commands.js";
import type {
  AuthExpiringFrame,
  DashboardSnapshot,
  ErrorObject,
  EventFrame,
  JsonObject,
  StreamChunkFrame,
  StreamEndFrame,
  StreamStatusFrame,
  WelcomeFrame,
} from "../frames.js";

/** The server said welcome; `moved` when the connection moved after a `goodbye` and was never lost. */
export interface Connected {
  readonly type: "connected";
  readonly welcome: WelcomeFrame;
  readonly moved: boolean;
}

/** The socket is gone; a new one follows by itself, `retryIn` milliseconds from now. */
export interface Disconnected {
  readonly type: "disconnected";
  readonly code: number;
  readonly error: ErrorObject | null;
  readonly retryIn: number;
}

/** The server refuses this client until something changes (a token, a version); nothing is tried until `open`. */
export interface Stopped {
  readonly type: "stopped";
  readonly code: number;
  readonly error: ErrorObject | null;
}

/** A command of the application was carried out. */
export interface Answered {
  readonly type: "answered";
  readonly id: string;
  readonly result: JsonObject;
  readonly duplicate: boolean;
}

/** A command of the application was refused. */
export interface Refused {
  readonly type: "refused";
  readonly id: string;
  readonly error: ErrorObject;
}

/** A stream is being followed; `seq` is how far it has come, its chunks come next. */
export interface Subscribed extends StreamHead {
  readonly type: "subscribed";
}

/** A stream cannot be followed any further; the message, if there is one, is in the history (`chat.get`). */
export interface Lost {
  readonly type: "lost";
  readonly streamId: string;
  readonly error: ErrorObject;
}

/** A new snapshot of the dashboard replaces the old one; the events that follow continue it. */
export interface Refreshed {
  readonly type: "refreshed";
  readonly snapshot: DashboardSnapshot;
}

/** Events were missed and will not come; a client that keeps a dashboard gets `refreshed` next. */
export interface Reset {
  readonly type: "reset";
  readonly epoch: string;
  readonly offset: number;
  readonly reason: "epoch_changed" | "slow_consumer" | "trimmed";
}

/** The server has a problem with the connection that does not end it. */
export interface Warned {
  readonly type: "warned";
  readonly error: ErrorObject;
}

export type Notice =
  | Connected
  | Disconnected
  | Stopped
  | Answered
  | Refused
  | Subscribed
  | Lost
  | Refreshed
  | Reset
  | Warned
  | StreamChunkFrame
  | StreamStatusFrame
  | StreamEndFrame
  | EventFrame
  | AuthExpiringFrame;

/** What to do to a socket: open one under this number, write a text frame, or close it (or give up opening it). */
export type Action =
  | { readonly type: "connect"; readonly link: number }
  | { readonly type: "send"; readonly link: number; readonly text: string }
  | { readonly type: "close"; readonly link: number; readonly code: number };
