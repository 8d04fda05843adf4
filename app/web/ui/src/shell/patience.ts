/** Whether the connection stands, or has been down for too short a time to speak of it. */

import { type ConnectionView, type Store, Watched } from "@tidewire/client";
import { PATIENCE_MS } from "../timing";

export class Patience extends Watched<boolean> {
  readonly #connection: Store<ConnectionView>;
  #isConnected = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Store<ConnectionView>) {
    super(() => this.#isConnected);
    this.#connection = connection;
    connection.subscribe(() => this.#look());
    this.#look();
  }

  #look(): void {
    const { isLive, since } = this.#connection.getSnapshot();
    clearTimeout(this.#timer);
    const left = isLive ? 0 : since + PATIENCE_MS - Date.now();
    if (left > 0) this.#timer = setTimeout(() => this.#look(), left);
    this.#become(isLive || left > 0);
  }

  #become(isConnected: boolean): void {
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    this.changed();
  }
}
