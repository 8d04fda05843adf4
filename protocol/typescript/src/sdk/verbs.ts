/** The verbs of the product, each as a method with typed arguments. */

import type { ChatPage, CommandOf, CommandType, FieldsOf, GeneratingType, Results } from "../commands.js";
import type { DashboardSnapshot, JsonObject } from "../frames.js";
import type { StreamStatus } from "../lifecycle.js";
import type { Answer } from "./answer.js";

/** A question: its text, or the parts of a `UIMessage`. */
export type Content = string | readonly JsonObject[];

/** How an answer is wanted; what is left out is the server's choice. */
export interface Wish {
  /** A model id of the dashboard's `models`. */
  readonly model?: string;
  /** What the model understands. */
  readonly options?: JsonObject;
  /** The command's id; twice under one id has one effect, and `stop` takes it before the ack. */
  readonly commandId?: string;
  /** When an answer is being written in the chat already: `reject` the question, `stop` that answer, or `queue`. */
  readonly ifActive?: "reject" | "stop" | "queue";
}

export interface SendWish extends Wish {
  /** The project of a new chat. */
  readonly projectId?: string;
  /** Id of the question, when the application has shown it already. */
  readonly messageId?: string;
}

type Changes<T extends CommandType, Id extends string> = Omit<CommandOf<T>, "type" | "id" | Id>;

/** What one can ask of a server. Every method throws `CommandRefused` when the server says no. */
export abstract class Verbs {
  /** Send any command and return the result of its ack. */
  abstract command<T extends CommandType>(type: T, fields: FieldsOf<T>): Promise<Results[T]>;
  /** Send a command that starts an answer. */
  abstract generate<T extends GeneratingType>(type: T, fields: FieldsOf<T>): Promise<Answer>;
  /** A fresh id, for a chat, a question or a command. */
  abstract newId(): string;

  /** Ask a question; the answer comes as soon as the server has accepted it. A new chat id creates the chat. */
  send(chatId: string, content: Content, { projectId, messageId, ...wish }: SendWish = {}): Promise<Answer> {
    const message = this.#question(content, messageId);
    return this.generate("message.send", { chatId, message, ...some({ projectId }), ...wished(wish) });
  }

  /** Ask a question anew beside the old one, which is kept. */
  edit(chatId: string, messageId: string, content: Content, wish: Wish = {}): Promise<Answer> {
    return this.generate("message.edit", { chatId, messageId, message: this.#question(content), ...wished(wish) });
  }

  /** Write another version of an answer, by default of the last one; the old one is kept. */
  regenerate(chatId: string, messageId?: string, wish: Wish = {}): Promise<Answer> {
    return this.generate("message.regenerate", { chatId, ...some({ messageId }), ...wished(wish) });
  }

  /** Try an answer again that failed, was stopped or was interrupted; by default the last one. */
  retry(chatId: string, messageId?: string, wish: Wish = {}): Promise<Answer> {
    return this.generate("message.retry", { chatId, ...some({ messageId }), ...wished(wish) });
  }

  /**
   * Stop an answer by its stream, by the command that asked for it (good before its ack), or whatever is active in a
   * chat; returns `stopping`, or how it had ended already.
   */
  async stop(which: { streamId: string } | { commandId: string } | { chatId: string }): Promise<StreamStatus> {
    return (await this.command("stream.stop", which)).status;
  }

  /** Choose which version of a message is shown, on every device. */
  async select(chatId: string, messageId: string): Promise<void> {
    await this.command("message.select", { chatId, messageId });
  }

  /** Say that a person has seen the chat up to this message. */
  async seen(chatId: string, messageId: string): Promise<void> {
    await this.command("chat.seen", { chatId, messageId });
  }

  /**
   * Read a page of a chat; the answer being written is not in it but comes from its stream.
   *
   * @param page `before`: `nextCursor` of the page after it; `limit`: messages on the page, at most 200.
   */
  chat(chatId: string, page: { before?: string; limit?: number } = {}): Promise<ChatPage> {
    return this.command("chat.get", { chatId, ...page });
  }

  /** Create an empty chat and return its id. */
  async createChat(fields: { chatId?: string } & Changes<"chat.create", "chatId"> = {}): Promise<string> {
    const chatId = fields.chatId ?? this.newId();
    await this.command("chat.create", { ...fields, chatId });
    return chatId;
  }

  /** Rename, move, pin or archive a chat; an empty `projectId` takes it out of its project. */
  async updateChat(chatId: string, changes: Changes<"chat.update", "chatId">): Promise<void> {
    await this.command("chat.update", { chatId, ...changes });
  }

  /** Delete a chat with everything in it; a running answer is stopped. */
  async deleteChat(chatId: string): Promise<void> {
    await this.command("chat.delete", { chatId });
  }

  /** Create a project and return its id; `instructions` are the system prompt of its chats. */
  async createProject(title: string, instructions?: string): Promise<string> {
    const projectId = this.newId();
    await this.command("project.create", { projectId, title, ...some({ instructions }) });
    return projectId;
  }

  /** Rename a project or change its instructions. */
  async updateProject(projectId: string, changes: Changes<"project.update", "projectId">): Promise<void> {
    await this.command("project.update", { projectId, ...changes });
  }

  /** Delete a project; its chats stay, without one. */
  async deleteProject(projectId: string): Promise<void> {
    await this.command("project.delete", { projectId });
  }

  /** Remove, reorder, pause or continue the questions that wait in a chat, named by command id. */
  async updateQueue(chatId: string, changes: Changes<"queue.update", "chatId">): Promise<void> {
    await this.command("queue.update", { chatId, ...changes });
  }

  /** Allow or deny a tool call that waits for a person. */
  async approve(streamId: string, approvalId: string, approved: boolean, reason?: string): Promise<void> {
    await this.command("tool.approval", { streamId, approvalId, approved, ...some({ reason }) });
  }

  /** Hand in the output of a tool that runs at the client, or why there is none. */
  async toolOutput(
    streamId: string,
    toolCallId: string,
    result: { output: unknown } | { errorText: string },
  ): Promise<void> {
    await this.command("tool.output", { streamId, toolCallId, ...result });
  }

  /** Find chats; the answer is a page beside the dashboard and does not change it. */
  search(query: string, page: { cursor?: string; limit?: number } = {}): Promise<DashboardSnapshot> {
    return this.command("dashboard.get", { query, ...page });
  }

  #question(content: Content, messageId = this.newId()) {
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
    return { id: messageId, role: "user" as const, parts };
  }
}

const wished = ({ model, options, ifActive, commandId }: Wish) => some({ model, options, ifActive, id: commandId });

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that are there. */
function some<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
