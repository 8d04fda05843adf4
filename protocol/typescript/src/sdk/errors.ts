/**
 * What can go wrong, by who has to act.
 *
 *     TidewireError
 *     ├── CommandRefused      the server said no to one command; `error` says why and whether to try again
 *     ├── StreamLost          an answer cannot be followed any further; its message is in the history, if anywhere
 *     ├── ConnectionStopped   the server wants no socket from us until something changes (sign in again, upgrade)
 *     ├── Withdrawn           a question was taken back before any server had seen it
 *     ├── ConnectFailed       a socket or a token could not be had; the client tries again by itself
 *     └── ClientClosed        the client was closed while something was waited for
 */

import type { ErrorObject } from "../frames.js";

export class TidewireError extends Error {
  override readonly name: string = "TidewireError";
}

/** The server refused a command; the message is a sentence for people. */
export class CommandRefused extends TidewireError {
  override readonly name = "CommandRefused";
  readonly command: string;
  readonly error: ErrorObject;

  constructor(command: string, error: ErrorObject) {
    super(error.message);
    this.command = command;
    this.error = error;
  }
}

/** An answer cannot be followed any further. */
export class StreamLost extends TidewireError {
  override readonly name = "StreamLost";
  readonly streamId: string;
  readonly error: ErrorObject;

  constructor(streamId: string, error: ErrorObject) {
    super(error.message);
    this.streamId = streamId;
    this.error = error;
  }
}

/** Reconnecting alone cannot help: the close code says that something must change first. */
export class ConnectionStopped extends TidewireError {
  override readonly name = "ConnectionStopped";
  readonly code: number;
  readonly error: ErrorObject | null;

  constructor(code: number, error: ErrorObject | null) {
    super(error?.message ?? `The server closed the connection for good (code ${code}).`);
    this.code = code;
    this.error = error;
  }
}

/** A socket or its token could not be had; `code` is the close code that says the same to the rules. */
export class ConnectFailed extends TidewireError {
  override readonly name = "ConnectFailed";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A question was taken back before any server had seen it. */
export class Withdrawn extends TidewireError {
  override readonly name = "Withdrawn";
}

export class ClientClosed extends TidewireError {
  override readonly name = "ClientClosed";
}
