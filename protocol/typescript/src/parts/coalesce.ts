/**
 * Merges neighbouring deltas, so that a replay is a few chunks and not every token.
 *
 * Only neighbours of one kind and one id merge, and only when they carry nothing but type, id and text: then the fold
 * of the merged chunks equals the fold of the raw ones, for every split (guarantee 9).
 */

import type { Chunk, Delta } from "./chunks.js";

/** Append chunks to a log in place, merging each into the last where that is allowed. */
export function append(log: Chunk[], chunks: readonly Chunk[]): void {
  for (const chunk of chunks) {
    const merged = joined(log.at(-1), chunk);
    if (merged === null) log.push(chunk);
    else log[log.length - 1] = merged;
  }
}

/** The same log in as few chunks as may be. */
export function coalesce(chunks: readonly Chunk[]): Chunk[] {
  const log: Chunk[] = [];
  append(log, chunks);
  return log;
}

function joined(last: Chunk | undefined, next: Chunk): Delta | null {
  if (last === undefined || last.type !== next.type || !isPlain(last) || !isPlain(next)) return null;
  if (last.type === "tool-input-delta") {
    if (next.type !== "tool-input-delta" || last.toolCallId !== next.toolCallId) return null;
    return { ...last, inputTextDelta: last.inputTextDelta + next.inputTextDelta };
  }
  if (next.type === "tool-input-delta" || last.id !== next.id) return null;
  return { ...last, delta: last.delta + next.delta };
}

/** A delta with nothing but type, id and text. */
function isPlain(chunk: Chunk): chunk is Delta {
  const isDelta = chunk.type === "text-delta" || chunk.type === "reasoning-delta" || chunk.type === "tool-input-delta";
  return isDelta && Object.keys(chunk).length === 3;
}
