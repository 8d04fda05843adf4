/** A message as the history and the page hold it: `UIMessage` of npm package `ai` 7, with this server's metadata. */

import type { ErrorObject, JsonObject, Usage } from "../frames.js";
import type { StreamStatus } from "../lifecycle.js";

/** Which of several questions or answers at one place is shown; `ids` in the order they were made. */
export interface Versions {
  readonly index: number;
  readonly ids: readonly string[];
}

/** What the server says of a message; `status` and what follows belong to answers. All of it is set by the end. */
export interface MessageMetadata {
  readonly createdAt?: number;
  readonly parentId?: string;
  readonly versions?: Versions;
  readonly status?: StreamStatus;
  readonly model?: string;
  readonly endedAt?: number;
  readonly finishReason?: string;
  readonly usage?: Usage;
  readonly error?: ErrorObject;
}

interface OfProvider {
  readonly providerMetadata?: JsonObject;
}

export type TextPart = {
  readonly type: "text";
  readonly text: string;
  readonly state?: "streaming" | "done";
  readonly citations?: unknown;
} & OfProvider;

export type ReasoningPart = {
  readonly type: "reasoning";
  readonly id?: string;
  readonly text: string;
  readonly state?: "streaming" | "done";
} & OfProvider;

export type ToolState =
  | "input-streaming"
  | "input-available"
  | "approval-requested"
  | "approval-responded"
  | "output-available"
  | "output-error"
  | "output-denied";

interface Call {
  readonly toolCallId: string;
  readonly state: ToolState;
  readonly title?: string;
  readonly input?: unknown;
  readonly rawInput?: unknown;
  readonly output?: unknown;
  readonly errorText?: string;
  readonly preliminary?: boolean;
  readonly providerExecuted?: boolean;
  readonly approval?: {
    readonly id: string;
    readonly approved?: boolean;
    readonly reason?: string;
    readonly requestReason?: string;
  };
}

export type ToolPart = { readonly type: `tool-${string}` } & Call;
export type DynamicToolPart = { readonly type: "dynamic-tool"; readonly toolName: string } & Call;

export type FilePart = {
  readonly type: "file" | "reasoning-file";
  readonly mediaType: string;
  readonly url: string;
  readonly filename?: string;
} & OfProvider;

export type SourcePart =
  | ({ readonly type: "source-url"; readonly sourceId: string; readonly url: string; readonly title?: string } & OfProvider)
  | ({
      readonly type: "source-document";
      readonly sourceId: string;
      readonly mediaType: string;
      readonly title: string;
      readonly filename?: string;
    } & OfProvider);

export type OtherPart =
  | { readonly type: "step-start" }
  | ({ readonly type: "custom"; readonly kind: string } & OfProvider)
  | { readonly type: "steering-message"; readonly id: string; readonly parts: readonly JsonObject[] }
  | { readonly type: `data-${string}`; readonly id?: string; readonly data: unknown };

export type Part = TextPart | ReasoningPart | ToolPart | DynamicToolPart | FilePart | SourcePart | OtherPart;

export interface Message {
  readonly id: string;
  readonly role: "user" | "assistant" | "system";
  readonly parts: readonly Part[];
  readonly metadata?: MessageMetadata;
}

/** The text of a message, without reasoning and tools. */
export const textOf = ({ parts }: Pick<Message, "parts">): string =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("");
