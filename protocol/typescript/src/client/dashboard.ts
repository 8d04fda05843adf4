/**
 * The dashboard as a client holds it: a snapshot, and every event since.
 *
 * Law (guarantee 22): the snapshot with the later events applied equals a fresh snapshot, and an event applied twice
 * changes nothing. Both follow from versions: whoever holds two states of a chat keeps the one with the higher version,
 * and a deletion wins over every version before it.
 */

import type { DashboardChat, DashboardProject, DashboardSnapshot, EventFrame, ModelChoice } from "../frames.js";
import { dashboardChat, dashboardProject } from "../objects.js";
import { text, whole } from "../reading.js";

/** Everything a sidebar shows; a value that is never changed, only replaced. */
export interface DashboardView {
  /** Every chat down to the last page read, the one asked last first. */
  readonly chats: readonly DashboardChat[];
  /** Every project, by id; the order on the screen is the page's own affair. */
  readonly projects: readonly DashboardProject[];
  readonly models: readonly ModelChoice[];
  /** Whether there are chats below the last page read. */
  readonly more: boolean;
}

/**
 * The chats, projects and models of one user.
 *
 * `chats` is complete from its top down to the last page that was read. A chat below that line may be known from an
 * event, but others around it may not be, so it is not listed yet.
 */
export class Dashboard {
  /** Where the next page begins; null when there is none. */
  cursor: string | null = null;
  #chats = new Rows<DashboardChat>();
  #projects = new Rows<DashboardProject>();
  #models: readonly ModelChoice[] = [];
  #horizon: DashboardChat | null = null;
  #view: DashboardView | null = null;

  /** What there is to see; the same object until something changes. */
  get view(): DashboardView {
    this.#view ??= {
      chats: this.#listed(),
      projects: this.#projects.all().sort((one, other) => compare(one.projectId, other.projectId)),
      models: this.#models,
      more: this.cursor !== null,
    };
    return this.#view;
  }

  /** A chat by id, listed or not. */
  chat(chatId: string): DashboardChat | undefined {
    return this.#chats.get(chatId);
  }

  project(projectId: string): DashboardProject | undefined {
    return this.#projects.get(projectId);
  }

  /** Start anew from the first page of a fresh snapshot. */
  replace(snapshot: DashboardSnapshot): void {
    this.#chats = new Rows();
    this.#projects = new Rows();
    this.#horizon = null;
    this.#models = snapshot.models;
    this.extend(snapshot);
  }

  /** Add the next page, read with `cursor`; what events told since is kept where it is newer. */
  extend(page: DashboardSnapshot): void {
    this.#view = null;
    for (const chat of page.chats) this.#chats.upsert(chat.chatId, chat);
    for (const project of page.projects) this.#projects.upsert(project.projectId, project);
    this.cursor = page.nextCursor ?? null;
    this.#horizon = this.cursor === null ? null : (page.chats.at(-1) ?? this.#horizon);
  }

  /**
   * Take one event; one that was taken before changes nothing.
   *
   * @throws BrokenFrame when it does not hold what its name promises.
   */
  apply({ name, data }: EventFrame): void {
    this.#view = null;
    if (name === "chat.deleted") this.#chats.delete(text(data.chatId), whole(data.version));
    else if (name === "project.deleted") this.#projects.delete(text(data.projectId), whole(data.version));
    else if (data.project !== undefined) {
      const project = dashboardProject(data.project);
      this.#projects.upsert(project.projectId, project);
    } else if (data.chat !== undefined) {
      const chat = dashboardChat(data.chat);
      this.#chats.upsert(chat.chatId, chat);
    }
  }

  #listed(): readonly DashboardChat[] {
    const horizon = this.#horizon;
    const listed = this.#chats.all().filter((chat) => horizon === null || order(chat, horizon) <= 0);
    return listed.sort(order);
  }
}

/** Rows by id, of which the newest version counts. */
class Rows<Row extends { readonly version: number }> {
  readonly #rows = new Map<string, Row>();
  readonly #deleted = new Map<string, number>();

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  upsert(id: string, row: Row): void {
    const known = Math.max(this.#rows.get(id)?.version ?? -1, this.#deleted.get(id) ?? -1);
    if (row.version > known) this.#rows.set(id, row);
  }

  delete(id: string, version: number): void {
    this.#deleted.set(id, Math.max(version, this.#deleted.get(id) ?? -1));
    const known = this.#rows.get(id);
    if (known && known.version <= version) this.#rows.delete(id);
  }
}

/** Falling `updatedAt`, then `chatId`: the order of the sidebar, on every device the same. */
const order = (one: DashboardChat, other: DashboardChat): number =>
  other.updatedAt - one.updatedAt || compare(one.chatId, other.chatId);

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
