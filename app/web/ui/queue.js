/** The questions that wait for their turn, above the composer; the same in every tab. */
import { arrange, h } from "./dom.js";

export class Queue {
  /** `actions`: now(item), remove(item), proceed(). */
  constructor(root, actions) {
    Object.assign(this, { root, actions, rows: new Map() });
    const proceed = h("button", { class: "quiet accent", type: "button", onclick: () => actions.proceed() }, "Continue");
    this.paused = h("li", { class: "paused" }, h("span", { class: "name" }, "What waits is paused"), proceed);
  }

  /** `items` are those of the dashboard; what the thread shows already is not shown twice. */
  render(items, paused) {
    const ids = new Set(items.map((item) => item.commandId));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    arrange(this.root, [...(paused ? [this.paused] : []), ...items.map((item) => this.#row(item))]);
    this.root.hidden = !items.length;
  }

  #row(item) {
    if (!this.rows.has(item.commandId)) this.rows.set(item.commandId, this.#make(item));
    return this.rows.get(item.commandId);
  }

  #make(item) {
    const button = (text, act) => h("button", { class: "quiet", type: "button", onclick: () => act(item) }, text);
    const words = h("span", { class: "name", title: item.text }, item.text);
    return h("li", {}, words, button("Send now", this.actions.now), button("Remove", this.actions.remove));
  }
}
