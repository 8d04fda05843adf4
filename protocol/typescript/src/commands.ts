/** Commands by type: what each is asked with, and what its ack holds. */

import type { ActiveStream, ClientFrame, DashboardChat, DashboardSnapshot, EventsInfo, GenerationResult } from "./frames.js";
import type { StreamStatus } from "./lifecycle.js";
import { activeStream, dashboardChat, dashboardSnapshot, eventsInfo, generationResult, message, streamStatus } from "./objects.js";
import type { Message } from "./parts/message.js";
import { json, list, maybe, object, type Read, text, whole } from "./reading.js";

/** A frame that is answered by exactly one `ack` or `error` with its `id` (guarantee 2). */
export type Command = Exclude<ClientFrame, { readonly type: "hello" | "ping" | "pong" | "presence.update" }>;
export type CommandType = Command["type"];
export type CommandOf<T extends CommandType> = Extract<Command, { readonly type: T }>;

/** What the application says of a command; its `id` is minted unless given. */
export type FieldsOf<T extends CommandType> = Omit<CommandOf<T>, "type" | "id"> & { readonly id?: string };

/** A command that starts an answer. */
export type GeneratingType = "message.send" | "message.edit" | "message.regenerate" | "message.retry";
export type Generating = CommandOf<GeneratingType>;

/** A page of a chat: committed messages of the shown branch; newest page first, each in reading order. */
export interface ChatPage {
  readonly chat: DashboardChat;
  readonly messages: readonly Message[];
  readonly activeStream?: ActiveStream;
  readonly nextCursor?: string;
}

/** A stream that is followed now. */
export interface StreamHead {
  readonly streamId: string;
  readonly chatId: string;
  readonly messageId: string;
  readonly status: StreamStatus;
  readonly seq: number;
}

export interface Stopping {
  readonly streamId?: string;
  readonly status: StreamStatus;
}

interface Version {
  readonly version: number;
}

type Nothing = Readonly<Record<string, never>>;

export interface Results {
  readonly "auth.refresh": { readonly expiresAt?: number };
  readonly "message.send": GenerationResult;
  readonly "message.edit": GenerationResult;
  readonly "message.regenerate": GenerationResult;
  readonly "message.retry": GenerationResult;
  readonly "message.select": Nothing;
  readonly "stream.subscribe": StreamHead;
  readonly "stream.unsubscribe": Nothing;
  readonly "stream.stop": Stopping;
  readonly "chat.create": Version;
  readonly "chat.update": Version;
  readonly "chat.delete": Version;
  readonly "project.create": Version;
  readonly "project.update": Version;
  readonly "project.delete": Version;
  readonly "chat.get": ChatPage;
  readonly "chat.seen": Nothing;
  readonly "dashboard.get": DashboardSnapshot;
  readonly "events.resume": EventsInfo;
  readonly "queue.update": Version;
  readonly "tool.approval": Nothing;
  readonly "tool.output": Nothing;
}

const version = object<Version>({ version: whole });
const nothing = object<Nothing>({});

// The parts of a message are what `ai` makes of them; the roof over them is checked, their fields are not.
const stored: Read<Message> = (value) => message(value) as unknown as Message;

export const RESULTS: { readonly [T in CommandType]: Read<Results[T]> } = {
  "auth.refresh": object<Results["auth.refresh"]>({ expiresAt: maybe(whole) }),
  "message.send": generationResult,
  "message.edit": generationResult,
  "message.regenerate": generationResult,
  "message.retry": generationResult,
  "message.select": nothing,
  "stream.subscribe": object<StreamHead>({
    streamId: text,
    chatId: text,
    messageId: text,
    status: streamStatus,
    seq: whole,
  }),
  "stream.unsubscribe": nothing,
  "stream.stop": object<Stopping>({ streamId: maybe(text), status: streamStatus }),
  "chat.create": version,
  "chat.update": version,
  "chat.delete": version,
  "project.create": version,
  "project.update": version,
  "project.delete": version,
  "chat.get": object<ChatPage>({
    chat: dashboardChat,
    messages: list(stored),
    activeStream: maybe(activeStream),
    nextCursor: maybe(text),
  }),
  "chat.seen": nothing,
  "dashboard.get": dashboardSnapshot,
  "events.resume": eventsInfo,
  "queue.update": version,
  "tool.approval": nothing,
  "tool.output": nothing,
};

/** Whether the ack of a command subscribes its socket to the answer. */
export const isGenerating = (command: Command): command is Generating => GENERATING.has(command.type);

const GENERATING: ReadonlySet<CommandType> = new Set<GeneratingType>([
  "message.send",
  "message.edit",
  "message.regenerate",
  "message.retry",
]);

/** A result as its command's type says; free JSON stays as it is. */
export const resultOf = <T extends CommandType>(type: T, result: unknown): Results[T] => RESULTS[type](json(result));
