/**
 * The chunks of an answer: `UIMessageChunk` of npm package `ai` 7, field for field, without depending on it.
 *
 * A later version of the server may send kinds that are not named here; whoever reads chunks passes them over.
 */

import type { JsonObject } from "../frames.js";
import type { MessageMetadata } from "./message.js";

interface OfProvider {
  readonly providerMetadata?: JsonObject;
}

interface Named extends OfProvider {
  readonly id: string;
}

interface OfCall extends OfProvider {
  readonly toolCallId: string;
  readonly providerExecuted?: boolean;
  readonly toolMetadata?: JsonObject;
  readonly dynamic?: boolean;
}

interface OfNamedCall extends OfCall {
  readonly toolName: string;
  readonly title?: string;
}

interface Metadata {
  readonly messageMetadata?: MessageMetadata;
}

/** A piece of a part that is being written; neighbours of one kind and one id may come merged. */
export type Delta =
  | ({ readonly type: "text-delta"; readonly delta: string } & Named)
  | ({ readonly type: "reasoning-delta"; readonly delta: string } & Named)
  | { readonly type: "tool-input-delta"; readonly toolCallId: string; readonly inputTextDelta: string };

export type TextChunk =
  | ({ readonly type: "text-start" } & Named)
  | ({ readonly type: "text-end"; readonly citations?: unknown } & Named)
  | ({ readonly type: "reasoning-start" } & Named)
  | ({ readonly type: "reasoning-end" } & Named);

export type ToolChunk =
  | ({ readonly type: "tool-input-start"; readonly inputEncoding?: "json" | "text" } & OfNamedCall)
  | ({ readonly type: "tool-input-available"; readonly input: unknown } & OfNamedCall)
  | ({ readonly type: "tool-input-error"; readonly input: unknown; readonly errorText: string } & OfNamedCall)
  | {
      readonly type: "tool-approval-request";
      readonly approvalId: string;
      readonly toolCallId: string;
      readonly reason?: string;
      readonly approvalDescriptor?: JsonObject;
      readonly inputSchemaInput?: unknown;
      readonly signature?: string;
      readonly isAutomatic?: boolean;
    }
  | ({
      readonly type: "tool-approval-response";
      readonly approvalId: string;
      readonly approved: boolean;
      readonly reason?: string;
      readonly providerExecuted?: boolean;
    } & OfProvider)
  | ({ readonly type: "tool-output-available"; readonly output: unknown; readonly preliminary?: boolean } & OfCall)
  | ({ readonly type: "tool-output-error"; readonly errorText: string } & OfCall)
  | { readonly type: "tool-output-denied"; readonly toolCallId: string };

/** A part that arrives in one chunk. */
export type WholeChunk =
  | ({ readonly type: "file" | "reasoning-file"; readonly mediaType: string; readonly url: string } & OfProvider)
  | ({ readonly type: "source-url"; readonly sourceId: string; readonly url: string; readonly title?: string } & OfProvider)
  | ({
      readonly type: "source-document";
      readonly sourceId: string;
      readonly mediaType: string;
      readonly title: string;
      readonly filename?: string;
    } & OfProvider)
  | ({ readonly type: "custom"; readonly kind: string } & OfProvider)
  | { readonly type: "steering-message"; readonly id: string; readonly parts: readonly JsonObject[] };

export interface DataChunk {
  readonly type: `data-${string}`;
  readonly id?: string;
  readonly data: unknown;
  readonly transient?: boolean;
}

/** The last chunk of a log. */
export type LastChunk =
  | ({ readonly type: "finish"; readonly finishReason?: string } & Metadata)
  | ({ readonly type: "abort"; readonly reason?: string } & Metadata)
  | ({ readonly type: "error"; readonly errorText: string } & Metadata);

export type Chunk =
  | ({ readonly type: "start"; readonly messageId?: string } & Metadata)
  | { readonly type: "start-step" | "finish-step" | "reset-step" }
  | ({ readonly type: "message-metadata" } & Metadata)
  | Delta
  | TextChunk
  | ToolChunk
  | WholeChunk
  | DataChunk
  | LastChunk;

/** A chunk cannot follow the ones before it, as a delta without its start; quotes ids, never the text of an answer. */
export class FoldError extends Error {
  override readonly name = "FoldError";
  readonly chunkType: string;

  constructor(message: string, chunk: Chunk) {
    super(message);
    this.chunkType = chunk.type;
  }
}

/** The chunks of a frame; the codec has seen that they are objects, and the fold checks what it uses of them. */
export const asChunks = (chunks: readonly JsonObject[]): readonly Chunk[] => chunks as unknown as readonly Chunk[];
