/**
 * The tool parts of a fold: what each `tool-*` chunk does to the parts of a message.
 *
 * Follows `updateToolPart`, `updateDynamicToolPart` and `getToolInvocation` of npm package `ai` 7, as
 * `protocol/parts/tools.py` does. A field that a chunk leaves out is absent here; a field that is null stays null.
 *
 * The input of a call that is still being written is read when somebody looks, so a delta costs the same however long
 * the input has become.
 */

import { type Chunk, FoldError, type ToolChunk } from "./chunks.js";
import { parsePartial } from "./partial-json.js";

/** A part while it is made: the fold replaces it by a new one whenever it changes. */
export type Draft = { readonly type: string; readonly [field: string]: unknown };
type Given = { readonly [field: string]: unknown };
type ChunkOf<T extends Chunk["type"]> = Extract<Chunk, { readonly type: T }>;

const REPLACED = ["input", "output", "errorText", "rawInput", "preliminary"];
const KEPT = ["title", "toolMetadata"];
const REQUEST = { approvalDescriptor: "descriptor", reason: "requestReason", signature: "signature" };
const STREAMING = "input-streaming";

/** The input of one call as far as it is written; `at` is the part it goes to, once known. */
interface Call {
  readonly start: Given;
  text: string;
  at: number | null;
}

export class ToolParts {
  /** Index of the first part of the current step. */
  step = 0;
  readonly #parts: Draft[];
  readonly #calls = new Map<unknown, Call>();
  readonly #writing = new Map<number, Call>();

  /** @param parts the parts of the message; shared with the fold, which appends the other kinds. */
  constructor(parts: Draft[]) {
    this.#parts = parts;
  }

  beginStep(): void {
    this.settle();
    this.step = this.#parts.length;
  }

  /** The parts of this step are about to go. */
  resetStep(): void {
    this.#calls.clear();
    this.#writing.clear();
  }

  /** Bring the inputs that are being written up to date. */
  settle(): void {
    for (const at of [...this.#writing.keys()]) this.#settle(at);
  }

  /** Take a chunk. Of its fields only the ids are relied upon; the rest goes where `ai` puts it. */
  apply(chunk: ToolChunk | ChunkOf<"tool-input-delta">): void {
    switch (chunk.type) {
      case "tool-input-start":
        this.#calls.set(chunk.toolCallId, { start: { ...chunk }, text: "", at: null });
        this.#write({ ...chunk }, STREAMING, {}, chunk.dynamic === true);
        return;
      case "tool-input-delta":
        return this.#inputDelta(chunk);
      case "tool-input-available":
        this.#write({ ...chunk }, "input-available", pick(chunk, "input"), chunk.dynamic === true);
        return;
      case "tool-input-error":
        return this.#inputError(chunk);
      case "tool-approval-request":
        return this.#approvalRequest(chunk);
      case "tool-approval-response":
        return this.#approvalResponse(chunk);
      case "tool-output-available":
        return this.#output(chunk, "output-available", ["output", "preliminary"]);
      case "tool-output-error":
        return this.#output(chunk, "output-error", ["errorText"]);
      case "tool-output-denied":
        return this.#change(this.#find(chunk, chunk.toolCallId), { state: "output-denied" });
    }
  }

  #inputDelta(chunk: ChunkOf<"tool-input-delta">): void {
    const call = this.#calls.get(chunk.toolCallId);
    if (!call) {
      const message = `A tool-input-delta came for the tool call '${chunk.toolCallId}' before its tool-input-start.`;
      throw new FoldError(message, chunk);
    }
    if (call.at === null) {
      const start = without(call.start, "providerExecuted", "providerMetadata");
      call.at = this.#write(start, STREAMING, {}, start.dynamic === true);
      this.#writing.set(call.at, call);
    }
    call.text += chunk.inputTextDelta;
  }

  /** The input cannot be used; an existing part keeps its kind, whatever the chunk says. */
  #inputError(chunk: ChunkOf<"tool-input-error">): void {
    const part = this.#parts[this.#inStep(chunk.toolCallId) ?? -1];
    const dynamic = part ? part.type === "dynamic-tool" : chunk.dynamic === true;
    this.#write(without(chunk, "title"), "output-error", pick(chunk, "input", "errorText"), dynamic);
  }

  #approvalRequest(chunk: ChunkOf<"tool-approval-request">): void {
    const given: Given = { ...chunk };
    const named = Object.entries(REQUEST).filter(([source]) => isPresent(given[source]));
    const approval = {
      id: chunk.approvalId,
      ...pick(chunk, "inputSchemaInput"),
      ...Object.fromEntries(named.map(([source, name]) => [name, given[source]])),
      ...(chunk.isAutomatic === true ? { isAutomatic: true } : {}),
    };
    this.#change(this.#find(chunk, chunk.toolCallId), { state: "approval-requested", approval });
  }

  #approvalResponse(chunk: ChunkOf<"tool-approval-response">): void {
    const at = this.#parts.findIndex((part) => isTool(part) && approvalOf(part)?.id === chunk.approvalId);
    const part = this.#parts[at];
    if (!part) {
      const message = `A tool-approval-response came for the approval '${chunk.approvalId}', which nobody requested.`;
      throw new FoldError(message, chunk);
    }
    const answer = { id: chunk.approvalId, approved: chunk.approved, ...some({ reason: chunk.reason }) };
    this.#settle(at);
    this.#change(at, {
      state: "approval-responded",
      approval: { ...approvalOf(part), ...answer },
      ...some({ providerExecuted: chunk.providerExecuted, callProviderMetadata: chunk.providerMetadata }),
    });
  }

  #output(
    chunk: ChunkOf<"tool-output-available" | "tool-output-error">,
    state: "output-available" | "output-error",
    names: readonly string[],
  ): void {
    const at = this.#find(chunk, chunk.toolCallId);
    const part = this.#parts[at] ?? { type: "" };
    const dynamic = part.type === "dynamic-tool";
    const toolName = dynamic ? part.toolName : part.type.slice("tool-".length);
    const kept = state === "output-error" && !dynamic ? ["input", "rawInput"] : ["input"]; // as the original
    const dropped = isPresent(chunk.toolMetadata) ? ["title"] : ["title", "toolMetadata"];
    const given = { ...pick(part, ...kept), ...pick(chunk, ...names) };
    this.#write({ ...without(chunk, ...dropped), toolName }, state, given, dynamic, at);
  }

  /** Bring the part of a call into a state, or add it to the current step; returns its index. */
  #write(chunk: Given, state: string, given: Given, dynamic: boolean, known?: number): number {
    const at = known ?? this.#inStep(chunk.toolCallId, dynamic) ?? this.#add(chunk);
    this.#settle(at);
    const name = dynamic
      ? { type: "dynamic-tool", toolName: chunk.toolName }
      : { type: `tool-${String(chunk.toolName)}` };
    this.#parts[at] = {
      ...without(this.#parts[at] ?? {}, ...REPLACED, "inputEncoding"),
      ...name,
      state,
      ...given,
      ...pick(chunk, ...KEPT),
      ...marks(chunk, state),
    };
    return at;
  }

  #add(chunk: Given): number {
    return this.#parts.push({ type: "", toolCallId: chunk.toolCallId, ...pick(chunk, "providerExecuted") }) - 1;
  }

  #change(at: number, fields: Given): void {
    this.#parts[at] = { type: "", ...this.#parts[at], ...fields };
  }

  /** Where a call stands in the current step, as one kind or as either. */
  #inStep(callId: unknown, dynamic?: boolean): number | null {
    for (let at = this.step; at < this.#parts.length; at += 1) {
      const part = this.#parts[at];
      if (!part || !isTool(part) || part.toolCallId !== callId) continue;
      if (dynamic === undefined || dynamic === (part.type === "dynamic-tool")) return at;
    }
    return null;
  }

  /** Where a call stands: in the current step, else the newest before it. */
  #find(chunk: Chunk, callId: string): number {
    let at = this.#inStep(callId) ?? this.#parts.length - 1;
    for (let part = this.#parts[at]; part && !(isTool(part) && part.toolCallId === callId); part = this.#parts[at]) {
      at -= 1;
    }
    if (at < 0) {
      throw new FoldError(`A ${chunk.type} came for the tool call '${callId}', which no chunk before it made.`, chunk);
    }
    this.#settle(at);
    return at;
  }

  /** Write the input that is there so far into its part. */
  #settle(at: number): void {
    const call = this.#writing.get(at);
    if (!call) return;
    this.#writing.delete(at);
    call.at = null;
    const read = call.start.inputEncoding === "text" ? { value: call.text } : parsePartial(call.text);
    const input = read ? { input: read.value } : {};
    this.#parts[at] = { type: "", ...without(this.#parts[at] ?? {}, "input"), ...input, rawInput: call.text };
  }
}

/** The fields that stay once they are set. */
function marks(chunk: Given, state: string): Given {
  const field = state.startsWith("output-") ? "resultProviderMetadata" : "callProviderMetadata";
  return some({
    inputEncoding: state === STREAMING ? chunk.inputEncoding : undefined,
    providerExecuted: chunk.providerExecuted,
    [field]: chunk.providerMetadata,
  });
}

const isTool = ({ type }: Draft): boolean => type === "dynamic-tool" || type.startsWith("tool-");
const isPresent = (value: unknown): boolean => value !== undefined && value !== null;
const approvalOf = (part: Draft): { readonly id?: unknown } | undefined => part.approval as { readonly id?: unknown } | undefined;

/** The fields of these names that are there, null ones too. */
export const pick = (given: object, ...names: readonly string[]): Given =>
  Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));

const without = (given: object, ...names: readonly string[]): Given =>
  Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)));

/** The fields that are neither absent nor null. */
const some = (given: Given): Given => Object.fromEntries(Object.entries(given).filter(([, value]) => isPresent(value)));
