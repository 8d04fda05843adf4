/** Frames as text: what a server says is read and checked, what a client says is written. */

import type { AuthInfo, ClientFrame, ServerFrame } from "./frames.js";
import {
  activeStream,
  dashboardSnapshot,
  errorObject,
  eventsInfo,
  finishReason,
  resumedStream,
  streamStatus,
  usage,
} from "./objects.js";
import { BrokenFrame, json, list, mark, maybe, object, oneOf, pair, type Read, record, text, whole } from "./reading.js";

type FrameOf<T extends ServerFrame["type"]> = Extract<ServerFrame, { readonly type: T }>;
type Body<T extends ServerFrame["type"]> = Omit<FrameOf<T>, "type">;

const FRAMES: { readonly [T in ServerFrame["type"]]: Read<Body<T>> } = {
  "stream.chunk": object<Body<"stream.chunk">>({ streamId: text, prev: whole, seq: whole, chunks: list(json) }),
  event: object<Body<"event">>({
    offset: whole,
    name: text,
    time: whole,
    sourceClientId: maybe(text),
    data: json,
  }),
  ack: object<Body<"ack">>({ id: text, result: json, duplicate: maybe(mark) }),
  error: object<Body<"error">>({ id: maybe(text), error: errorObject, fatal: maybe(mark) }),
  ping: object<Body<"ping">>({ id: text }),
  pong: object<Body<"pong">>({ id: text }),
  "stream.status": object<Body<"stream.status">>({ streamId: text, status: streamStatus, label: text }),
  "stream.end": object<Body<"stream.end">>({
    streamId: text,
    chatId: text,
    messageId: text,
    seq: whole,
    status: streamStatus,
    finishReason: maybe(finishReason),
    usage: maybe(usage),
    error: maybe(errorObject),
    stopLatencyMs: maybe(whole),
  }),
  welcome: object<Body<"welcome">>({
    id: text,
    protocol: text,
    connectionId: text,
    userId: text,
    node: text,
    serverTime: whole,
    capabilities: list(text),
    heartbeat: object({ intervalMs: whole, timeoutMs: whole }),
    flow: object({ windowBytes: whole }),
    limits: record(whole),
    auth: object<AuthInfo>({ method: oneOf("cookie", "bearer", "ticket"), expiresAt: maybe(whole) }),
    events: eventsInfo,
    activeStreams: list(activeStream),
    streams: list(resumedStream),
    snapshot: maybe(dashboardSnapshot),
  }),
  "events.reset": object<Body<"events.reset">>({
    epoch: text,
    offset: whole,
    reason: oneOf("epoch_changed", "slow_consumer", "trimmed"),
  }),
  "auth.expiring": object<Body<"auth.expiring">>({ expiresAt: whole }),
  goodbye: object<Body<"goodbye">>({
    reason: oneOf("draining", "rebalance"),
    reconnectAfterMs: pair,
    closeAfterMs: whole,
  }),
};

const isKnown = (type: string): type is ServerFrame["type"] => Object.hasOwn(FRAMES, type);

/**
 * Read a frame of a server; null for one of a type that this version does not know, which is to be ignored.
 *
 * @throws BrokenFrame when it is not what the protocol says.
 */
export function decode(data: string): ServerFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new BrokenFrame("expected JSON");
  }
  const type = text(json(value).type);
  // The table pairs each type with the reader of its body, which TypeScript cannot follow through an index.
  return isKnown(type) ? ({ type, ...FRAMES[type](value) } as ServerFrame) : null;
}

/** Write a frame of a client, `type` first. */
export function encode({ type, ...fields }: ClientFrame): string {
  return JSON.stringify({ type, ...fields });
}

/** How many bytes a text takes on the wire (UTF-8); the core has no TextEncoder. */
export function byteLength(data: string): number {
  let bytes = data.length;
  for (let at = 0; at < data.length; at += 1) {
    const unit = data.charCodeAt(at);
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
