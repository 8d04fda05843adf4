/** Chunks become the parts of a message, as the AI SDK's reducer does it, for the kinds of parts this page shows. */

/** Append `chunks` to a message; `open` maps the ids of unfinished parts to the parts. */
export function fold(message, open, chunks) {
  for (const chunk of chunks) {
    const [kind, phase] = /^(text|reasoning)-(start|delta|end)$/.exec(chunk.type)?.slice(1) ?? [];
    if (kind) foldText(message, open, chunk, kind, phase);
    else if (chunk.type.endsWith("-step")) foldStep(message, open, chunk);
    else if (chunk.type.startsWith("tool-")) foldCall(message, chunk);
    else if (chunk.type === "start" && chunk.messageId !== message.id) {
      Object.assign(message, { id: chunk.messageId, parts: [], metadata: {} });
    }
    Object.assign(message.metadata, chunk.messageMetadata);
  }
}

function foldStep(message, open, { type }) {
  open.clear();
  if (type === "reset-step") message.parts.length = message.stepAt;
  else message.stepAt = message.parts.length;
}

function foldText(message, open, { id, delta }, kind, phase) {
  const key = `${kind} ${id}`;
  if (phase === "end") {
    if (open.has(key)) open.get(key).state = "done";
    return;
  }
  if (phase === "start" || !open.has(key)) {
    open.set(key, { type: kind, text: "", state: "streaming" });
    message.parts.push(open.get(key));
  }
  open.get(key).text += delta ?? "";
}

/** What each chunk about a tool call makes of its part. */
const CALLS = {
  "tool-input-start": () => ({ state: "input-streaming" }),
  "tool-input-available": ({ input }) => ({ state: "input-available", input }),
  "tool-input-error": ({ input, errorText }) => ({ state: "output-error", input, errorText }),
  "tool-approval-request": ({ approvalId }) => ({ state: "approval-requested", approval: { id: approvalId } }),
  "tool-approval-response": ({ approvalId, approved, reason }) => ({
    state: "approval-responded",
    approval: { id: approvalId, approved, reason },
  }),
  "tool-output-available": ({ output }) => ({ state: "output-available", output }),
  "tool-output-error": ({ errorText }) => ({ state: "output-error", errorText }),
  "tool-output-denied": () => ({ state: "output-denied" }),
};

function foldCall(message, chunk) {
  const change = CALLS[chunk.type];
  if (!change) return; // a delta of its input: the whole of it follows
  const { toolCallId, approvalId, toolName, dynamic } = chunk;
  const isIt = (part) => (toolCallId ? part.toolCallId === toolCallId : part.approval?.id === approvalId);
  let part = message.parts.findLast(isIt);
  const kind = dynamic ? { type: "dynamic-tool", toolName } : { type: `tool-${toolName}` };
  if (!part) message.parts.push((part = { ...kind, toolCallId }));
  Object.assign(part, change(chunk));
}
