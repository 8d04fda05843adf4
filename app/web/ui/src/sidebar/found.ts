/** Chats that the server finds, page by page: by words, or by their project. */

import { type Client, type DashboardChat, Watched } from "@tidewire/client";

export type Question = { readonly query: string } | { readonly projectId: string };

export interface FoundView {
  /** What was found; null while nothing is looked for, or nothing has come yet. */
  readonly chats: readonly DashboardChat[] | null;
  readonly more: boolean;
}

const NOTHING: FoundView = { chats: null, more: false };

export class Found extends Watched<FoundView> {
  readonly #client: Client;
  #view = NOTHING;
  #question: Question | null = null;
  #cursor: string | undefined;
  #isReading = false;

  constructor(client: Client) {
    super(() => this.#view);
    this.#client = client;
  }

  /** Look for something else; what was found stays until then. Null looks for nothing. */
  async ask(question: Question | null): Promise<void> {
    this.#question = question;
    this.#cursor = undefined;
    if (question) await this.#read(question, undefined);
    else this.#become(NOTHING);
  }

  /** The next page. */
  async more(): Promise<void> {
    if (this.#question && this.#view.more && !this.#isReading) await this.#read(this.#question, this.#cursor);
  }

  async #read(question: Question, cursor: string | undefined): Promise<void> {
    this.#isReading = true;
    try {
      const page = await this.#client.command("dashboard.get", { ...question, ...(cursor === undefined ? {} : { cursor }) });
      if (this.#question !== question) return;
      this.#cursor = page.nextCursor;
      const before = cursor === undefined ? [] : (this.#view.chats ?? []);
      this.#become({ chats: [...before, ...page.chats], more: page.nextCursor !== undefined });
    } catch {
      // What was found before stays; the next key asks again.
    } finally {
      this.#isReading = false;
    }
  }

  #become(view: FoundView): void {
    this.#view = view;
    this.changed();
  }
}
