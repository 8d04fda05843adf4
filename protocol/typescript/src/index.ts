/** Talk to a Tidewire server from TypeScript: the core, which runs in browsers, Node and React Native alike. */

export type * from "./frames.js";
export { type ClientState, isTerminal, type StreamStatus } from "./lifecycle.js";
export type { Chunk } from "./parts/chunks.js";
export { FoldError } from "./parts/chunks.js";
export { coalesce } from "./parts/coalesce.js";
export { Fold, fold } from "./parts/fold.js";
export {
  type DynamicToolPart,
  type FilePart,
  type Message,
  type MessageMetadata,
  type Part,
  type ReasoningPart,
  type SourcePart,
  type TextPart,
  textOf,
  type ToolPart,
  type Versions,
} from "./parts/message.js";
