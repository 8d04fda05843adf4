/**
 * Folds the chunks of an answer into its message, exactly as npm package `ai` 7 and the server do.
 *
 * Parts are values: one that changes is replaced, one that does not keeps its identity, so a page renders only what
 * changed. A chunk of a kind that this version does not know changes nothing, because `tidewire.v1` only adds.
 */

import { type Chunk, type DataChunk, FoldError, type LastChunk } from "./chunks.js";
import type { Message, MessageMetadata, Part } from "./message.js";
import { type Draft, pick, ToolParts } from "./tools.js";

type Kind = "text" | "reasoning";
type ChunkOf<T extends Chunk["type"]> = Extract<Chunk, { readonly type: T }>;

const POISON = new Set(["__proto__", "constructor", "prototype"]);

export class Fold {
  #id = "";
  #metadata: MessageMetadata | null = null;
  #last: LastChunk | null = null;
  #parts: Draft[] = [];
  #tools = new ToolParts(this.#parts);
  #open = { text: new Map<string, number>(), reasoning: new Map<string, number>() };
  #message: Message | null = null;

  /** The last chunk of the log, once it came. */
  get last(): LastChunk | null {
    return this.#last;
  }

  /** The message as it stands now; the same object until a chunk changes it. */
  get message(): Message {
    this.#tools.settle();
    this.#message ??= {
      id: this.#id,
      role: "assistant",
      ...(this.#metadata === null ? {} : { metadata: this.#metadata }),
      // Each draft is a part in the making; that its fields are those of its type is what this class is for.
      parts: [...this.#parts] as unknown as readonly Part[],
    };
    return this.#message;
  }

  /**
   * Take the next chunks of the log, in order.
   *
   * @throws FoldError when one cannot follow those before it.
   */
  extend(chunks: readonly Chunk[]): this {
    for (const chunk of chunks) this.apply(chunk);
    return this;
  }

  /** Take the next chunk. */
  apply(chunk: Chunk): void {
    this.#message = null;
    switch (chunk.type) {
      case "text-delta":
        return this.#delta("text", chunk);
      case "reasoning-delta":
        return this.#delta("reasoning", chunk);
      case "text-start":
        return this.#partStart("text", chunk);
      case "reasoning-start":
        return this.#partStart("reasoning", chunk);
      case "text-end":
        return this.#partEnd("text", chunk);
      case "reasoning-end":
        return this.#partEnd("reasoning", chunk);
      case "tool-input-start":
      case "tool-input-delta":
      case "tool-input-available":
      case "tool-input-error":
      case "tool-approval-request":
      case "tool-approval-response":
      case "tool-output-available":
      case "tool-output-error":
      case "tool-output-denied":
        return this.#tools.apply(chunk);
      case "start":
        return this.#start(chunk);
      case "start-step":
        this.#parts.push({ type: "step-start" });
        return this.#tools.beginStep();
      case "reset-step":
        return this.#resetStep();
      case "message-metadata":
        return this.#mergeMetadata(chunk.messageMetadata);
      case "finish":
      case "abort":
      case "error":
        this.#last = chunk;
        return this.#mergeMetadata(chunk.messageMetadata);
      case "file":
      case "reasoning-file":
        return this.#add(chunk, "mediaType", "url", ...(isPresent(chunk.providerMetadata) ? ["providerMetadata"] : []));
      case "source-url":
        return this.#add(chunk, "sourceId", "url", "title", "providerMetadata");
      case "source-document":
        return this.#add(chunk, "sourceId", "mediaType", "title", "filename", "providerMetadata");
      case "custom":
        return this.#add(chunk, "kind", "providerMetadata");
      case "steering-message":
        return this.#add(chunk, "id", "parts");
      case "finish-step":
        return;
      default:
        // What is left are `data-*` and the kinds of a later version.
        if (chunk.type.startsWith("data-")) this.#data(chunk);
    }
  }

  /** Another id means another answer; the same id again is a log that goes on. */
  #start(chunk: ChunkOf<"start">): void {
    if (isPresent(chunk.messageId) && chunk.messageId !== this.#id) {
      this.#id = chunk.messageId;
      this.#metadata = this.#last = null;
      this.#parts = [];
      this.#tools = new ToolParts(this.#parts);
      this.#open = { text: new Map(), reasoning: new Map() };
    }
    this.#mergeMetadata(chunk.messageMetadata);
  }

  #resetStep(): void {
    this.#tools.resetStep();
    this.#open.text.clear();
    this.#open.reasoning.clear();
    this.#parts.length = this.#tools.step;
  }

  #mergeMetadata(change: MessageMetadata | undefined): void {
    if (isPresent(change)) this.#metadata = this.#metadata === null ? change : merged(this.#metadata, change);
  }

  #partStart(kind: Kind, chunk: ChunkOf<"text-start" | "reasoning-start">): void {
    const id = kind === "reasoning" ? { id: chunk.id } : {};
    const part = { type: kind, ...id, text: "", ...pick(chunk, "providerMetadata"), state: "streaming" };
    this.#open[kind].set(chunk.id, this.#parts.push(part) - 1);
  }

  #delta(kind: Kind, chunk: ChunkOf<"text-delta" | "reasoning-delta">): void {
    const at = this.#opened(kind, chunk);
    const part = this.#parts[at];
    this.#change(at, { text: `${String(part?.text)}${chunk.delta}`, ...of(chunk.providerMetadata) });
  }

  #partEnd(kind: Kind, chunk: ChunkOf<"text-end" | "reasoning-end">): void {
    const at = this.#opened(kind, chunk);
    this.#open[kind].delete(chunk.id);
    const cited = chunk.type === "text-end" && isPresent(chunk.citations) ? { citations: chunk.citations } : {};
    this.#change(at, { state: "done", ...of(chunk.providerMetadata), ...cited });
  }

  #opened(kind: Kind, chunk: ChunkOf<"text-delta" | "reasoning-delta" | "text-end" | "reasoning-end">): number {
    const at = this.#open[kind].get(chunk.id);
    if (at !== undefined) return at;
    const rule = `a ${kind}-start must come before it and no ${kind}-end`;
    throw new FoldError(`A ${chunk.type} came for the ${kind} part '${chunk.id}', which is not open: ${rule}.`, chunk);
  }

  #change(at: number, fields: Readonly<Record<string, unknown>>): void {
    this.#parts[at] = { type: "", ...this.#parts[at], ...fields };
  }

  /** A part that arrives in one chunk. */
  #add(chunk: Chunk, ...names: readonly string[]): void {
    this.#parts.push({ type: chunk.type, ...pick(chunk, ...names) });
  }

  /** A `data-*` part: one id keeps its first place and takes its last value. */
  #data(chunk: DataChunk): void {
    if (chunk.transient) return;
    const known = isPresent(chunk.id)
      ? this.#parts.findIndex((part) => part.type === chunk.type && part.id === chunk.id)
      : -1;
    if (known < 0) this.#parts.push({ ...chunk });
    else this.#change(known, { data: chunk.data });
  }
}

/** Fold a whole log, or its beginning. */
export const fold = (chunks: readonly Chunk[]): Fold => new Fold().extend(chunks);

/** The base with the changes merged in: objects deeply, arrays and everything else replaced. */
function merged<T extends object>(base: T, change: object): T {
  const result = { ...base } as Record<string, unknown>;
  for (const [key, value] of Object.entries(change)) {
    if (POISON.has(key)) continue;
    const old = result[key];
    result[key] = isObject(old) && isObject(value) ? merged(old, value) : value;
  }
  return result as T;
}

const isPresent = <T>(value: T | null | undefined): value is T => value !== undefined && value !== null;
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);
const of = (metadata: unknown) => (isPresent(metadata) ? { providerMetadata: metadata } : {});
