// Written by `npm run frames` from protocol/schema/tidewire.v1.json; a test fails when the two differ.

/** Free JSON: its fields are the business of whoever wrote it. */
export type JsonObject = {readonly [name: string]: unknown};

/**
 * What a client sends.
 */
export type ClientFrame =
  | HelloFrame
  | AuthRefreshFrame
  | MessageSendFrame
  | MessageEditFrame
  | MessageRegenerateFrame
  | MessageRetryFrame
  | MessageSelectFrame
  | StreamSubscribeFrame
  | StreamUnsubscribeFrame
  | StreamStopFrame
  | ChatCreateFrame
  | ChatUpdateFrame
  | ChatDeleteFrame
  | ProjectCreateFrame
  | ProjectUpdateFrame
  | ProjectDeleteFrame
  | ChatGetFrame
  | ChatSeenFrame
  | DashboardGetFrame
  | EventsResumeFrame
  | PresenceUpdateFrame
  | QueueUpdateFrame
  | ToolApprovalFrame
  | ToolOutputFrame
  | ClientPingFrame
  | ClientPongFrame;
/**
 * The events of this version; a later one may add names, which a client passes over.
 */
export type EventName =
  | "chat.created"
  | "chat.updated"
  | "chat.deleted"
  | "chat.unseen"
  | "chat.seen"
  | "project.created"
  | "project.updated"
  | "project.deleted"
  | "message.created"
  | "stream.started"
  | "stream.ended";
/**
 * What a server sends.
 */
export type ServerFrame =
  | WelcomeFrame
  | AckFrame
  | ErrorFrame
  | StreamChunkFrame
  | StreamStatusFrame
  | StreamEndFrame
  | EventFrame
  | EventsResetFrame
  | AuthExpiringFrame
  | GoodbyeFrame
  | ServerPingFrame
  | ServerPongFrame;

/**
 * A command was carried out; `duplicate` when it had been before (guarantee 3).
 */
export interface AckFrame {
  readonly type: "ack";
  readonly id: string;
  readonly result: JsonObject;
  readonly duplicate?: boolean;
}
/**
 * A stream that has not ended, with its head at this moment.
 */
export interface ActiveStream {
  readonly streamId: string;
  readonly chatId: string;
  readonly messageId: string;
  readonly status: "completed" | "failed" | "interrupted" | "queued" | "stopped" | "stopping" | "streaming";
  readonly seq: number;
  readonly startedAt: number;
}
/**
 * The token runs out in a minute; send `auth.refresh`.
 */
export interface AuthExpiringFrame {
  readonly type: "auth.expiring";
  readonly expiresAt: number;
}
/**
 * How this connection proved who it is.
 */
export interface AuthInfo {
  readonly method: "bearer" | "cookie" | "ticket";
  readonly expiresAt?: number;
}
/**
 * Put a fresh token on a live socket; it must be of the same user.
 */
export interface AuthRefreshFrame {
  readonly type: "auth.refresh";
  readonly id: string;
  readonly token: string;
}
/**
 * Create an empty chat.
 */
export interface ChatCreateFrame {
  readonly type: "chat.create";
  readonly id: string;
  readonly chatId: string;
  readonly title?: string;
  readonly projectId?: string;
  readonly pinned?: boolean;
  readonly archived?: boolean;
}
/**
 * Delete a chat with everything in it; a running answer is stopped.
 */
export interface ChatDeleteFrame {
  readonly type: "chat.delete";
  readonly id: string;
  readonly chatId: string;
  readonly title?: string;
  readonly projectId?: string;
  readonly pinned?: boolean;
  readonly archived?: boolean;
}
/**
 * Read the committed messages of the shown branch, newest page first.
 */
export interface ChatGetFrame {
  readonly type: "chat.get";
  readonly id: string;
  readonly chatId: string;
  readonly before?: string;
  readonly limit?: number;
}
/**
 * Say that a person has seen the chat up to this message.
 */
export interface ChatSeenFrame {
  readonly type: "chat.seen";
  readonly id: string;
  readonly chatId: string;
  readonly messageId: string;
}
/**
 * Rename, move, pin or archive a chat; an empty `projectId` takes it out of its project.
 */
export interface ChatUpdateFrame {
  readonly type: "chat.update";
  readonly id: string;
  readonly chatId: string;
  readonly title?: string;
  readonly projectId?: string;
  readonly pinned?: boolean;
  readonly archived?: boolean;
}
/**
 * The first frame of a connection: who I am, and how far I have come.
 */
export interface HelloFrame {
  readonly type: "hello";
  readonly id: string;
  readonly clientId: string;
  readonly token?: string;
  readonly client?: ClientInfo;
  /**
   * @maxItems 32
   */
  readonly capabilities?: readonly string[];
  readonly events?: EventPosition;
  /**
   * @maxItems 32
   */
  readonly streams?: readonly StreamPosition[];
  readonly snapshot?: "ifNeeded" | "never";
  readonly flow?: Flow;
}
/**
 * What the client is, for the operator's eyes.
 */
export interface ClientInfo {
  readonly name?: string;
  readonly version?: string;
  readonly platform?: string;
}
/**
 * How far a client has come in its user's event log; the epoch tells a rebuilt log from the one it knew.
 */
export interface EventPosition {
  readonly epoch: string;
  readonly offset: number;
}
/**
 * How far a client has come in one stream.
 */
export interface StreamPosition {
  readonly streamId: string;
  readonly after: number;
}
/**
 * The flow window: how many bytes of chunks and events may be under way at once.
 */
export interface Flow {
  readonly windowBytes: number;
}
/**
 * Ask a question; the chat is created when its id is new.
 */
export interface MessageSendFrame {
  readonly type: "message.send";
  readonly id: string;
  readonly chatId: string;
  readonly model?: string;
  readonly options?: JsonObject;
  readonly projectId?: string;
  readonly ifActive?: "queue" | "reject" | "stop";
  readonly subscribe?: boolean;
  readonly message: Question;
}
/**
 * The user's message in a command: a `UIMessage` whose role is `user`.
 */
export interface Question {
  readonly id: string;
  readonly role: "user";
  readonly parts: readonly JsonObject[];
  readonly metadata?: JsonObject;
}
/**
 * Ask a question anew beside the old one, which is kept.
 */
export interface MessageEditFrame {
  readonly type: "message.edit";
  readonly id: string;
  readonly chatId: string;
  readonly model?: string;
  readonly options?: JsonObject;
  readonly projectId?: string;
  readonly ifActive?: "queue" | "reject" | "stop";
  readonly subscribe?: boolean;
  readonly messageId: string;
  readonly message: Question;
}
/**
 * Write another version of an answer (the last one when no id is given).
 */
export interface MessageRegenerateFrame {
  readonly type: "message.regenerate";
  readonly id: string;
  readonly chatId: string;
  readonly model?: string;
  readonly options?: JsonObject;
  readonly projectId?: string;
  readonly ifActive?: "queue" | "reject" | "stop";
  readonly subscribe?: boolean;
  readonly messageId?: string;
}
/**
 * Try again an answer that failed, was stopped or was interrupted.
 */
export interface MessageRetryFrame {
  readonly type: "message.retry";
  readonly id: string;
  readonly chatId: string;
  readonly model?: string;
  readonly options?: JsonObject;
  readonly projectId?: string;
  readonly ifActive?: "queue" | "reject" | "stop";
  readonly subscribe?: boolean;
  readonly messageId?: string;
}
/**
 * Choose which version is shown, for every device.
 */
export interface MessageSelectFrame {
  readonly type: "message.select";
  readonly id: string;
  readonly chatId: string;
  readonly messageId: string;
}
/**
 * Follow a stream from a position; 0 is its start.
 */
export interface StreamSubscribeFrame {
  readonly type: "stream.subscribe";
  readonly id: string;
  readonly streamId: string;
  readonly after: number;
}
/**
 * Stop following a stream; it runs on.
 */
export interface StreamUnsubscribeFrame {
  readonly type: "stream.unsubscribe";
  readonly id: string;
  readonly streamId: string;
}
/**
 * Stop an answer, named by its stream, by the command that started it, or by its chat.
 */
export interface StreamStopFrame {
  readonly type: "stream.stop";
  readonly id: string;
  readonly streamId?: string;
  readonly commandId?: string;
  readonly chatId?: string;
}
/**
 * Create a project.
 */
export interface ProjectCreateFrame {
  readonly type: "project.create";
  readonly id: string;
  readonly projectId: string;
  readonly title?: string;
  readonly instructions?: string;
}
/**
 * Rename a project or change its instructions.
 */
export interface ProjectUpdateFrame {
  readonly type: "project.update";
  readonly id: string;
  readonly projectId: string;
  readonly title?: string;
  readonly instructions?: string;
}
/**
 * Delete a project; its chats stay, without one.
 */
export interface ProjectDeleteFrame {
  readonly type: "project.delete";
  readonly id: string;
  readonly projectId: string;
  readonly title?: string;
  readonly instructions?: string;
}
/**
 * Read a page of the dashboard.
 */
export interface DashboardGetFrame {
  readonly type: "dashboard.get";
  readonly id: string;
  readonly cursor?: string;
  readonly limit?: number;
  readonly projectId?: string;
  readonly query?: string;
}
/**
 * Ask for every event after a position.
 */
export interface EventsResumeFrame {
  readonly type: "events.resume";
  readonly id: string;
  readonly epoch: string;
  readonly offset: number;
}
/**
 * Say what this tab shows; it has no answer.
 */
export interface PresenceUpdateFrame {
  readonly type: "presence.update";
  readonly visibility: "hidden" | "visible";
  readonly chatId?: string;
}
/**
 * Remove, reorder, pause or continue the waiting questions of a chat.
 */
export interface QueueUpdateFrame {
  readonly type: "queue.update";
  readonly id: string;
  readonly chatId: string;
  readonly remove?: readonly string[];
  readonly order?: readonly string[];
  readonly paused?: boolean;
}
/**
 * Allow or deny a tool call that waits for a person.
 */
export interface ToolApprovalFrame {
  readonly type: "tool.approval";
  readonly id: string;
  readonly streamId: string;
  readonly approvalId: string;
  readonly approved: boolean;
  readonly reason?: string;
}
/**
 * Deliver the result of a tool that the client ran.
 */
export interface ToolOutputFrame {
  readonly type: "tool.output";
  readonly id: string;
  readonly streamId: string;
  readonly toolCallId: string;
  readonly output?: unknown;
  readonly errorText?: string;
}
/**
 * Ask whether the server still hears; it answers `pong`.
 */
export interface ClientPingFrame {
  readonly type: "ping";
  readonly id: string;
}
/**
 * Answer a server's `ping` with its id.
 */
export interface ClientPongFrame {
  readonly type: "pong";
  readonly id: string;
}
/**
 * Everything a sidebar shows of one chat. Whoever holds two keeps the one with the higher `version`.
 */
export interface DashboardChat {
  readonly chatId: string;
  readonly title: string;
  readonly pinned: boolean;
  readonly archived: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
  readonly unseen: boolean;
  readonly projectId?: string;
  readonly lastStatus?: "completed" | "failed" | "interrupted" | "queued" | "stopped" | "stopping" | "streaming";
  readonly activeStreamId?: string;
  readonly leafId?: string;
  readonly awaitingApproval?: boolean;
  readonly queue?: readonly QueuedQuestion[];
  readonly queuePaused?: boolean;
}
/**
 * One waiting question of a chat, as every tab shows it; `text` is cut to 200 characters.
 */
export interface QueuedQuestion {
  readonly commandId: string;
  readonly streamId: string;
  readonly messageId: string;
  readonly text: string;
}
/**
 * A project as the sidebar shows it; `instructions` are the system prompt of its chats.
 */
export interface DashboardProject {
  readonly projectId: string;
  readonly title: string;
  readonly version: number;
  readonly instructions?: string;
}
/**
 * A page of the dashboard at a position: apply every event after `offset` and it stays true (guarantee 22).
 */
export interface DashboardSnapshot {
  readonly epoch: string;
  readonly offset: number;
  readonly chats: readonly DashboardChat[];
  readonly projects: readonly DashboardProject[];
  readonly models: readonly ModelChoice[];
  readonly nextCursor?: string;
}
/**
 * One entry of the model picker.
 */
export interface ModelChoice {
  readonly id: string;
  readonly label: string;
  readonly default?: boolean;
}
/**
 * A command was refused (`id`), or the connection has a problem (no `id`); a close follows when `fatal`.
 */
export interface ErrorFrame {
  readonly type: "error";
  readonly id?: string;
  readonly error: ErrorObject;
  readonly fatal?: boolean;
}
/**
 * Why something did not happen, in a form for programs and for people.
 */
export interface ErrorObject {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly param?: string;
  readonly details?: JsonObject;
}
/**
 * One change of the dashboard, numbered within the user's log (guarantee 20).
 */
export interface EventFrame {
  readonly type: "event";
  readonly offset: number;
  readonly name: EventName | string;
  readonly time: number;
  readonly sourceClientId?: string;
  readonly data: JsonObject;
}
/**
 * Where the user's event log stands, and whether everything missed follows as events.
 */
export interface EventsInfo {
  readonly epoch: string;
  readonly offset: number;
  readonly recovered: boolean;
}
/**
 * Forget the position and read the dashboard again.
 */
export interface EventsResetFrame {
  readonly type: "events.reset";
  readonly epoch: string;
  readonly offset: number;
  readonly reason: "epoch_changed" | "slow_consumer" | "trimmed";
}
/**
 * The result of every command that starts an answer; `seq` is where its subscription starts.
 */
export interface GenerationResult {
  readonly chatId: string;
  readonly messageId: string;
  readonly streamId: string;
  readonly status: "queued" | "streaming";
  readonly seq: number;
  readonly userMessageId?: string;
}
/**
 * Move to another socket within the spread; this one closes later.
 */
export interface GoodbyeFrame {
  readonly type: "goodbye";
  readonly reason: "draining" | "rebalance";
  readonly reconnectAfterMs: readonly [number, number];
  readonly closeAfterMs: number;
}
/**
 * How often the server pings, and how long it waits for the pong.
 */
export interface Heartbeat {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}
/**
 * Every limit a client can meet; `welcome.limits` announces them. Sizes in bytes, times in milliseconds.
 */
export interface Limits {
  readonly frameBytes?: number;
  readonly helloBytes?: number;
  readonly outboundBytes?: number;
  readonly commandsPerSecond?: number;
  readonly commandBurst?: number;
  readonly commandsInFlight?: number;
  readonly generationsPerMinute?: number;
  readonly generationsAtOnce?: number;
  readonly connectionsPerUser?: number;
  readonly streamsPerConnection?: number;
  readonly eventLogEvents?: number;
  readonly eventLogMs?: number;
  readonly streamLogBytes?: number;
  readonly streamLogMs?: number;
  readonly idempotencyMs?: number;
  readonly toolWaitMs?: number;
  readonly fileBytes?: number;
  readonly messageFileBytes?: number;
  readonly userFileBytes?: number;
  readonly helloTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly heartbeatTimeoutMs?: number;
  readonly silenceMs?: number;
}
/**
 * A `UIMessage` of the AI SDK: `parts` are its part objects, unchanged.
 */
export interface Message {
  readonly id: string;
  readonly role: "assistant" | "system" | "user";
  readonly parts: readonly JsonObject[];
  readonly metadata?: JsonObject;
}
/**
 * The answer to one entry of `hello.streams`: where the stream stands, or why it cannot be resumed.
 */
export interface ResumedStream {
  readonly streamId: string;
  readonly status?: "completed" | "failed" | "interrupted" | "queued" | "stopped" | "stopping" | "streaming";
  readonly seq?: number;
  readonly error?: ErrorObject;
}
/**
 * The answer to `hello`: everything a tab needs to be true at this position.
 */
export interface WelcomeFrame {
  readonly type: "welcome";
  readonly id: string;
  readonly protocol: string;
  readonly connectionId: string;
  readonly userId: string;
  readonly node: string;
  readonly serverTime: number;
  readonly capabilities: readonly string[];
  readonly heartbeat: Heartbeat;
  readonly flow: Flow;
  readonly limits: {
    readonly [k: string]: number;
  };
  readonly auth: AuthInfo;
  readonly events: EventsInfo;
  readonly activeStreams: readonly ActiveStream[];
  readonly streams: readonly ResumedStream[];
  readonly snapshot?: DashboardSnapshot;
}
/**
 * The chunks after `prev` up to and including `seq`, merged.
 */
export interface StreamChunkFrame {
  readonly type: "stream.chunk";
  readonly streamId: string;
  readonly prev: number;
  readonly seq: number;
  readonly chunks: readonly JsonObject[];
}
/**
 * What the answer is doing, in words for people.
 */
export interface StreamStatusFrame {
  readonly type: "stream.status";
  readonly streamId: string;
  readonly status: "completed" | "failed" | "interrupted" | "queued" | "stopped" | "stopping" | "streaming";
  readonly label: string;
}
/**
 * The last frame of a stream, once (guarantee 12).
 */
export interface StreamEndFrame {
  readonly type: "stream.end";
  readonly streamId: string;
  readonly chatId: string;
  readonly messageId: string;
  readonly seq: number;
  readonly status: "completed" | "failed" | "interrupted" | "queued" | "stopped" | "stopping" | "streaming";
  readonly finishReason?: "content-filter" | "error" | "length" | "other" | "stop" | "tool-calls";
  readonly usage?: Usage;
  readonly error?: ErrorObject;
  readonly stopLatencyMs?: number;
}
/**
 * What an answer cost, in tokens; `estimated` when the provider did not say.
 */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly estimated?: boolean;
}
/**
 * Are you there, and have you read what came before this?
 */
export interface ServerPingFrame {
  readonly type: "ping";
  readonly id: string;
}
/**
 * The answer to a client's `ping`.
 */
export interface ServerPongFrame {
  readonly type: "pong";
  readonly id: string;
}
