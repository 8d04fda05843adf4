/** The chats and projects as the sidebar shows them, and what can be done with them: shown at once, whatever the line. */

import { type Client, CommandRefused, type DashboardChat, type DashboardProject, type DashboardView, Watched } from "@tidewire/client";
import type { Toasts } from "../shell/toasts";
import { UNDO_MS } from "../timing";
import { type Deletion, deletions, forgetDeletion, keepDeletion, type Kind } from "./deletions";
import { Wishes } from "./wishes";

export interface Filed {
  /** Every chat down to the last page read, archived ones too, the one asked last first. */
  readonly chats: readonly DashboardChat[];
  /** By title. */
  readonly projects: readonly DashboardProject[];
  readonly more: boolean;
}

export type ChatChange = Partial<Pick<DashboardChat, "title" | "pinned" | "archived" | "projectId">>;
export type ProjectChange = Partial<Pick<DashboardProject, "title" | "instructions">>;

/** How many chats are read on by themselves, for what is pinned or filed among them; more once one scrolls there. */
const READ_AHEAD = 1_000;
const PAGE = 200;

const byTitle = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

export class Filing extends Watched<Filed> {
  readonly #client: Client;
  readonly #toasts: Toasts;
  readonly #chats = new Wishes<DashboardChat>();
  readonly #projects = new Wishes<DashboardProject>();
  /** What was deleted here, or was told to be, by id. */
  readonly #gone = new Set<string>();
  #known: DashboardView | null = null;
  #filed: Filed | null = null;
  #reading: Promise<unknown> | null = null;

  constructor(client: Client, toasts: Toasts) {
    super(() => this.#view());
    this.#client = client;
    this.#toasts = toasts;
    client.dashboard.subscribe(() => {
      this.changed();
      this.#readAhead();
    });
    client.onEvent(({ name, data }) => {
      if (name === "chat.deleted") this.#hide(String(data.chatId));
      else if (name === "chat.created") this.#gone.delete(String(data.chatId)); // an id may be used again, a day later
    });
    for (const [id, deletion] of Object.entries(deletions())) this.#takeOver(id, deletion);
    addEventListener("pagehide", () => toasts.closeAll());
  }

  #view(): Filed {
    const known = this.#client.dashboard.getSnapshot();
    if (this.#filed && this.#known === known) return this.#filed;
    this.#known = known;
    const projects = known.projects.map((row) => this.#projects.of(row.projectId, row)).filter(({ projectId }) => !this.#gone.has(projectId));
    this.#filed = {
      chats: this.current(known.chats),
      projects: projects.sort((one, other) => byTitle(one.title, other.title)),
      more: known.more,
    };
    return this.#filed;
  }

  #changed(): void {
    this.#filed = null;
    this.changed();
  }

  /** These chats as they are now, without those that are gone. */
  current(chats: readonly DashboardChat[]): readonly DashboardChat[] {
    return chats
      .filter(({ chatId }) => !this.#gone.has(chatId))
      .map((row) => this.#chats.of(row.chatId, newer(row, this.#client.dashboardChat(row.chatId))));
  }

  /** A chat as it is now, also below the last page read. */
  chat(chatId: string): DashboardChat | undefined {
    const row = this.#client.dashboardChat(chatId);
    return row && this.#chats.of(chatId, row);
  }

  // Reading.

  /** Read the next page, unless one is under way. */
  more(): void {
    if (!this.#client.dashboard.getSnapshot().more) return;
    this.#reading ??= this.#client.moreChats(PAGE).catch(() => {}).finally(() => {
      this.#reading = null;
      this.#readAhead();
    });
  }

  #readAhead(): void {
    const { chats, more } = this.#client.dashboard.getSnapshot();
    if (more && chats.length < READ_AHEAD && this.#client.connection.getSnapshot().isLive) this.more();
  }

  // Changing.

  change(chatId: string, change: ChatChange): void {
    this.#wish(this.#chats.add(chatId, change), this.#client.command("chat.update", { chatId, ...change }));
  }

  changeProject(projectId: string, change: ProjectChange): void {
    this.#wish(this.#projects.add(projectId, change), this.#client.command("project.update", { projectId, ...change }));
  }

  #wish(settle: (version: number | null) => void, command: Promise<{ readonly version: number }>): void {
    this.#changed();
    command.then(({ version }) => settle(version), (failure: Error) => {
      settle(null);
      this.#toasts.show({ words: failure.message });
    }).finally(() => this.#changed());
  }

  /** Put a chat away, or back; with a way back from that. */
  archive({ chatId, title, archived }: DashboardChat): void {
    this.change(chatId, { archived: !archived });
    const words = archived ? `“${title}” is back among your chats.` : `“${title}” is archived.`;
    this.#toasts.show({ words, undo: () => this.change(chatId, { archived }) });
  }

  /**
   * Delete, once it can no longer be brought back: a server forgets for good.
   *
   * @param undone called when it was brought back.
   */
  delete(kind: Kind, id: string, title: string, undone?: () => void): void {
    this.#hide(id);
    keepDeletion(id, { kind, until: Date.now() + UNDO_MS });
    this.#toasts.show({
      words: `“${title}” is deleted.`,
      undo: () => {
        forgetDeletion(id);
        this.#unhide(id);
        undone?.();
      },
      gone: () => void this.#carryOut(kind, id),
    });
  }

  /** A deletion of before a reload, or of another tab, where it may yet be taken back. */
  #takeOver(id: string, { kind, until }: Deletion): void {
    const left = Math.max(0, Math.min(UNDO_MS, until - Date.now()));
    this.#gone.add(id);
    setTimeout(() => (id in deletions() ? void this.#carryOut(kind, id) : this.#unhide(id)), left);
  }

  async #carryOut(kind: Kind, id: string): Promise<void> {
    try {
      await (kind === "chat" ? this.#client.deleteChat(id) : this.#client.deleteProject(id));
    } catch (failure) {
      if (!(failure instanceof CommandRefused)) return; // the page goes: the next one takes it over
      if (failure.error.code !== "not_found") {
        this.#unhide(id);
        this.#toasts.show({ words: failure.message });
      }
    }
    forgetDeletion(id);
  }

  #hide(id: string): void {
    this.#gone.add(id);
    this.#changed();
  }

  #unhide(id: string): void {
    this.#gone.delete(id);
    this.#changed();
  }
}

const newer = (row: DashboardChat, known: DashboardChat | undefined): DashboardChat =>
  known && known.version >= row.version ? known : row;
