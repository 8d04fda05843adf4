/** Who one is here, in every tab of this browser; and what happens when that ends. */

import { type Client, cookieSession, type TokenSource, Watched } from "@tidewire/client";
import { call, Refusal } from "../http";
import { forgetDeletions } from "../sidebar/deletions";
import { SIGNED_OUT_LOOKS_MS } from "../timing";

export interface Person {
  readonly userId: string;
  readonly guest: boolean;
  readonly email?: string;
  readonly name?: string;
}

export interface SessionView {
  /** Null while it is not known, or nobody is signed in. */
  readonly person: Person | null;
  /** Whether nothing goes on until one signs in. */
  readonly isLocked: boolean;
  /** Why nobody can be let in without; null when the connection itself says. */
  readonly reason: string | null;
}

/** The closes that say that one must sign in: not, or no longer, let in. */
const LOCKING: readonly number[] = [4401, 4403];

export class Session extends Watched<SessionView> {
  /** Signs the client in by cookie; remembers why nobody was let in. */
  readonly token: TokenSource;
  #view: SessionView = { person: null, isLocked: false, reason: null };
  #client: Client | null = null;
  #looks = 0;

  constructor() {
    super(() => this.#view);
    const byCookie = cookieSession("", (input, init) => fetch(input, init));
    this.token = async (why) => {
      try {
        return await byCookie(why);
      } catch (failure) {
        this.#become({ reason: (failure as Error).message });
        throw failure;
      }
    };
  }

  /** Begin to follow a client's connection. */
  follow(client: Client): void {
    this.#client = client;
  }

  /** The server has greeted us as this user. */
  greeted(userId: string): void {
    this.#looks += 1;
    const { person } = this.#view;
    if (person && userId && person.userId !== userId) return startOver();
    this.#become({ isLocked: false, reason: null });
    void this.#look().then((found) => found && this.#become({ person: found }));
  }

  /** The connection has stopped for good, with this close code. */
  stopped(code: number): void {
    if (LOCKING.includes(code)) void this.#ended();
  }

  /** One has signed in, or made an account. */
  async entered(): Promise<void> {
    const before = this.#view.person?.userId;
    const now = await call<Person>("GET", "/v1/auth/session");
    if (now.userId !== before) return startOver();
    this.#become({ person: now, isLocked: false, reason: null }); // the same person: all is kept
    this.#client?.open();
  }

  /** Our session has ended. Another tab may have begun the next one: of the same person, then we go on, or of another. */
  async #ended(): Promise<void> {
    const look = (this.#looks += 1);
    for (const pause of SIGNED_OUT_LOOKS_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (look !== this.#looks || this.#client?.connection.getSnapshot().state !== "stopped") return;
      const found = await this.#look();
      if (look !== this.#looks) return;
      const { person } = this.#view;
      if (found && person && found.userId !== person.userId) return startOver();
      if (found !== null) return this.#client.open(); // where it cannot be known, the connection goes on trying
    }
    this.#become({ isLocked: true });
  }

  /** Null: nobody. Undefined: the server cannot say. */
  async #look(): Promise<Person | null | undefined> {
    try {
      return await call<Person>("GET", "/v1/auth/session");
    } catch (failure) {
      return failure instanceof Refusal && [401, 403].includes(failure.status) ? null : undefined;
    }
  }

  #become(change: Partial<SessionView>): void {
    this.#view = { ...this.#view, ...change };
    this.changed();
  }
}

/** Somebody else is here from now on: nothing that was typed is theirs. */
export function startOver(): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("tidewire.draft.")) localStorage.removeItem(key);
  } catch {
    // A page without memory has nothing to forget.
  }
  forgetDeletions();
  location.assign("/");
}
