/** For `useChat` of `ai` 7 (`@ai-sdk/react` 4 and its likes). */

export { type ChatLike, Chats } from "./chats.js";
export { chunksOf } from "./stream.js";
export { type RequestBody, TidewireChatTransport } from "./transport.js";
