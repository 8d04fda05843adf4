/** Talk to a Tidewire server from TypeScript: the core, which runs in browsers, Node and React Native alike. */

export { Dashboard, type DashboardView } from "./client/dashboard.js";
export type { Notice } from "./client/notices.js";
export { OutboxFull } from "./client/outbox.js";
export { FrameTooLarge } from "./client/connection.js";
export type { ChatPage, Command, CommandOf, CommandType, FieldsOf, Results } from "./commands.js";
export type * from "./frames.js";
export { type ClientState, isTerminal, type StreamStatus } from "./lifecycle.js";
export { type Chunk, FoldError } from "./parts/chunks.js";
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
export { Answer, type AnswerView, type Finished, type Place, type Reader } from "./sdk/answer.js";
export { Client, type ClientOptions } from "./sdk/client.js";
export type { ConnectionView } from "./sdk/connection.js";
export type { TokenSource } from "./sdk/driver.js";
export {
  ClientClosed,
  CommandRefused,
  ConnectFailed,
  ConnectionStopped,
  StreamLost,
  TidewireError,
  Withdrawn,
} from "./sdk/errors.js";
export type { Outgoing } from "./sdk/kept.js";
export type { Clock, FileContent, Platform, Signal, SocketLike, Storage } from "./sdk/platform.js";
export { cookieSession, type Fetch, type GuestSession, guestSession } from "./sdk/sign-in.js";
export { type Store, Watched } from "./sdk/store.js";
export type { UploadedFile, UploadedPart, UploadOptions } from "./sdk/upload.js";
export type { Content, SendWish, Wish } from "./sdk/verbs.js";
