/**
 * The life of streams, connections and subscriptions, as tables: `protocol/lifecycle.py` in TypeScript.
 *
 * A state is only a name. A transition that is not in a table cannot happen: asking for it throws.
 */

export type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const STREAM = {
  queued: { start: "streaming", stop: "stopped", fail: "failed" },
  streaming: { stop: "stopping", complete: "completed", fail: "failed", seal: "interrupted" },
  // A finish that was already under way wins over the stop: the answer is whole, so it says so.
  stopping: { stop: "stopping", halt: "stopped", complete: "completed", fail: "failed", seal: "interrupted" },
  completed: {},
  stopped: {},
  failed: {},
  interrupted: {},
} as const satisfies Table;

export const CLIENT_CONNECTION = {
  closed: { open: "connecting" },
  connecting: { opened: "authenticating", lost: "backoff", refused: "stopped", close: "closed" },
  authenticating: { welcome: "ready", lost: "backoff", refused: "stopped", close: "closed" },
  ready: { goodbye: "draining", lost: "backoff", refused: "stopped", close: "closed" },
  draining: { moved: "ready", lost: "backoff", refused: "stopped", close: "closed" },
  backoff: { retry: "connecting", close: "closed" },
  stopped: { open: "connecting", close: "closed" },
} as const satisfies Table;

export const SUBSCRIPTION = {
  idle: { subscribe: "subscribing" },
  subscribing: { ack: "live", subscribe: "subscribing", refused: "lost", drop: "idle" },
  live: { gap: "subscribing", subscribe: "subscribing", end: "ended", drop: "idle" },
  ended: {},
  lost: { subscribe: "subscribing" },
} as const satisfies Table;

export type StreamStatus = keyof typeof STREAM;
export type ClientState = keyof typeof CLIENT_CONNECTION;
export type SubscriptionState = keyof typeof SUBSCRIPTION;
type Events<T extends Table> = { [S in keyof T]: keyof T[S] }[keyof T] & string;

/** States that have no way out: the answer is as it will be. */
export const isTerminal = (status: StreamStatus): boolean => Object.keys(STREAM[status]).length === 0;

/** An event came in a state whose table has no entry for it: a bug of this side, or a peer that breaks the rules. */
export class IllegalTransition extends Error {
  override readonly name = "IllegalTransition";
  readonly event: string;
  readonly state: string;

  constructor(event: string, state: string, table: Table) {
    const legal = Object.keys(table[state] ?? {}).join(", ") || "nothing; it is final";
    super(`'${event}' cannot happen in state '${state}'; what can: ${legal}.`);
    this.event = event;
    this.state = state;
  }
}

/**
 * The state that follows.
 *
 * @throws IllegalTransition when the table has no such entry.
 */
export function advance<T extends Table>(table: T, state: keyof T & string, event: Events<T>): keyof T & string {
  const row: Readonly<Record<string, string>> = table[state] ?? {};
  const next = Object.hasOwn(row, event) ? row[event] : undefined;
  if (next === undefined) throw new IllegalTransition(event, state, table);
  return next;
}
