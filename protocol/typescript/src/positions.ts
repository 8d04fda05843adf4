/**
 * Positions: what to do with the next thing of a numbered log, given how far one has come.
 *
 * A position belongs to a stream or an event log, never to a connection: it is good on any socket and any node.
 */

export type Step = "apply" | "drop" | "gap";

/**
 * Decide on a `stream.chunk` that covers `(prev, seq]`, having applied everything up to `last`.
 *
 * A range that overlaps what was applied but does not start there cannot be cut (merged deltas have no seams), so it is
 * a gap like any other: subscribe again after `last`, and exactly the rest comes.
 */
export function followChunks(last: number, prev: number, seq: number): Step {
  if (seq <= last) return "drop";
  return prev === last ? "apply" : "gap";
}

/** Decide on an `event`, having applied everything up to `last`. */
export function followEvents(last: number, offset: number): Step {
  if (offset <= last) return "drop";
  return offset === last + 1 ? "apply" : "gap";
}
