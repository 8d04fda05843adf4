/** Readers of the objects that frames and results carry (PROTOCOL, section 4). */

import type {
  ActiveStream,
  DashboardChat,
  DashboardProject,
  DashboardSnapshot,
  ErrorObject,
  EventsInfo,
  GenerationResult,
  Message,
  ModelChoice,
  QueuedQuestion,
  ResumedStream,
  Usage,
} from "./frames.js";
import { flag, json, list, mark, maybe, object, oneOf, text, whole } from "./reading.js";

export const streamStatus = oneOf("queued", "streaming", "stopping", "completed", "stopped", "failed", "interrupted");
export const finishReason = oneOf("stop", "length", "content-filter", "tool-calls", "error", "other");

export const errorObject = object<ErrorObject>({
  code: text,
  message: text,
  retryable: flag,
  retryAfterMs: maybe(whole),
  param: maybe(text),
  details: maybe(json),
});

export const usage = object<Usage>({ inputTokens: whole, outputTokens: whole, estimated: maybe(mark) });

export const queuedQuestion = object<QueuedQuestion>({
  commandId: text,
  streamId: text,
  messageId: text,
  text,
});

export const dashboardChat = object<DashboardChat>({
  chatId: text,
  title: text,
  pinned: flag,
  archived: flag,
  createdAt: whole,
  updatedAt: whole,
  version: whole,
  unseen: flag,
  projectId: maybe(text),
  lastStatus: maybe(streamStatus),
  activeStreamId: maybe(text),
  leafId: maybe(text),
  awaitingApproval: maybe(flag),
  queue: maybe(list(queuedQuestion)),
  queuePaused: maybe(flag),
});

export const dashboardProject = object<DashboardProject>({
  projectId: text,
  title: text,
  version: whole,
  instructions: maybe(text),
});

export const modelChoice = object<ModelChoice>({ id: text, label: text, default: maybe(mark) });

export const dashboardSnapshot = object<DashboardSnapshot>({
  epoch: text,
  offset: whole,
  chats: list(dashboardChat),
  projects: list(dashboardProject),
  models: list(modelChoice),
  nextCursor: maybe(text),
});

export const activeStream = object<ActiveStream>({
  streamId: text,
  chatId: text,
  messageId: text,
  status: streamStatus,
  seq: whole,
  startedAt: whole,
});

export const resumedStream = object<ResumedStream>({
  streamId: text,
  status: maybe(streamStatus),
  seq: maybe(whole),
  error: maybe(errorObject),
});

export const eventsInfo = object<EventsInfo>({ epoch: text, offset: whole, recovered: flag });

export const generationResult = object<GenerationResult>({
  chatId: text,
  messageId: text,
  streamId: text,
  status: oneOf("queued", "streaming"),
  seq: whole,
  userMessageId: maybe(text),
});

export const message = object<Message>({
  id: text,
  role: oneOf("user", "assistant", "system"),
  parts: list(json),
  metadata: maybe(json),
});
