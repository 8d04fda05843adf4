/** The messages of the shown chat as elements; a finished one is not touched again. */
import { statusOf, textOf } from "./chat.js";
import { arrange, h } from "./dom.js";
import { Markdown } from "./markdown.js";

const EXAMPLES = {
  demo: ["How do I stop an answer?", "What happens when I refresh the page?", "How do I talk to a real model?"],
  real: ["Explain how tides work, simply", "Plan a quiet weekend in a new city", "Help me write a clear, kind email"],
};
const RUNNING = ["sending", "queued", "streaming", "stopping"];

/** What people read below an answer; null when there is nothing to say. */
export function wordsFor(status, { label, hasText, error, finishReason, connected }) {
  const reason = error?.message ?? "";
  if (RUNNING.includes(status) && !connected) return "Reconnecting…";
  if (status === "stopping") return "Stopping…";
  if (label) return label.replace(/(\.{3}|…)?$/, /[.!?]$/.test(label) ? "" : "…");
  if (status === "queued") return "Waiting…";
  if (status === "streaming") return hasText ? "Writing…" : "Thinking…";
  if (status === "stopped") return "Stopped";
  if (status === "failed") return `Couldn’t finish: ${reason || "something went wrong."}`;
  if (status === "interrupted") return `Interrupted${reason ? `: ${reason}` : ""}`;
  if (finishReason === "length") return "Cut off: the answer reached its longest length.";
  return finishReason === "content-filter" ? "The model declined to go on." : null;
}

class Text {
  element = h("div", { class: "prose" });
  markdown = new Markdown(this.element);
  update = (part) => this.markdown.update(part.text, part.state === "streaming");
}

class Reasoning {
  summary = h("summary");
  body = h("div", { class: "prose" });
  element = h("details", { class: "thoughts" }, this.summary, this.body);
  markdown = new Markdown(this.body);
  update(part) {
    const words = part.state === "streaming" ? "Thinking…" : "Thoughts";
    if (this.summary.textContent !== words) this.summary.textContent = words;
    this.markdown.update(part.text, part.state === "streaming");
  }
}

const KINDS = { text: Text, reasoning: Reasoning };

class MessageView {
  constructor(message, actions) {
    this.actions = actions;
    this.parts = [];
    this.body = h("div", { class: "body" });
    this.foot = h("div", { class: "foot", "data-testid": "status" });
    const who = h("h2", { class: "spoken" }, message.role === "user" ? "You" : "Answer");
    const props = { class: `message ${message.role}`, "data-message-id": message.id, "data-role": message.role };
    this.element = h("article", props, who, this.body, this.foot);
    // For tests and extensions: the exact text, whatever has been drawn of it so far.
    Object.defineProperty(this.element, "sourceText", { get: () => textOf(message) });
  }

  update(message, connected) {
    const status = statusOf(message);
    const live = RUNNING.includes(status);
    const words = message.role === "user" ? this.#unsent(message, connected) : this.#words(message, status, connected);
    const key = `${status} ${words}`;
    if (!live && key === this.key && message.parts === this.drawn) return;
    if (message.role === "user") this.body.textContent = textOf(message);
    else this.#draw(message.parts);
    if (key !== this.key) this.#mark(message, status, words, live);
    Object.assign(this, { key, drawn: message.parts });
  }

  #unsent(message, connected) {
    if (message.state === "refused") return `Not sent: ${message.error.message}`;
    return message.state === "sending" && !connected ? "Will be sent when the connection is back." : null;
  }

  #words(message, status, connected) {
    const { error, finishReason } = message.metadata ?? {};
    const hasText = message.parts.some((part) => part.type === "text" && part.text);
    const label = message.stream?.over === false ? message.stream.label : "";
    return wordsFor(status, { label, hasText, error, finishReason, connected });
  }

  #draw(parts) {
    const shown = parts.filter((part) => KINDS[part.type]);
    const view = ({ type }, i) => (this.parts[i] instanceof KINDS[type] ? this.parts[i] : new KINDS[type]());
    this.parts = shown.map(view);
    this.parts.forEach((view, i) => view.update(shown[i]));
    arrange(this.body, this.parts.map((view) => view.element));
  }

  #mark(message, status, words, live) {
    const isBad = status === "refused" || status === "failed";
    const retry = () => this.actions.retry(message);
    const mark = [
      words && h("span", { class: live ? "busy" : isBad ? "bad" : "said" }, words),
      status === "refused" && h("button", { class: "quiet", type: "button", onclick: retry }, "Retry"),
    ];
    this.element.dataset.status = status;
    this.element.setAttribute("aria-busy", String(live && message.role !== "user"));
    this.foot.replaceChildren(...mark.filter(Boolean));
  }
}

export class Thread {
  /** `actions`: retry(message), ask(text), older(), reload(). */
  constructor(root, actions) {
    Object.assign(this, { root, actions, views: new WeakMap() });
  }

  render(chat, { connected, examples }) {
    const elements = chat.messages.map((message) => this.#view(message, connected));
    const older = () => this.#button("Show earlier messages", "older");
    if (chat.nextCursor) elements.unshift(this.#once("older", chat, older));
    const key = `${chat.state} ${examples} ${Boolean(chat.draft.text)}`;
    if (!elements.length) elements.push(this.#once(key, chat, () => this.#empty(chat, examples)));
    arrange(this.root, elements);
  }

  #view(message, connected) {
    if (!this.views.has(message)) this.views.set(message, new MessageView(message, this.actions));
    const view = this.views.get(message);
    view.update(message, connected);
    return view.element;
  }

  /** The same element as long as `key` and `chat` stay the same. */
  #once(key, chat, make) {
    if (this.kept?.key !== key || this.kept.chat !== chat) this.kept = { key, chat, element: make() };
    return this.kept.element;
  }

  #button(text, action) {
    return h("button", { class: "quiet", type: "button", onclick: () => this.actions[action]() }, text);
  }

  #empty(chat, examples) {
    const notice = (...content) => h("div", { class: "empty" }, ...content);
    if (chat.state === "loading") return h("p", { class: "loading", role: "status" }, "Loading…");
    if (chat.state === "failed") return notice(h("p", {}, chat.error), this.#button("Try again", "reload"));
    if (chat.state === "missing" && !chat.draft.text) {
      const away = h("a", { href: "/" }, "Start a new one");
      return notice(h("p", {}, "This chat does not exist, or it was deleted."), away);
    }
    const props = (text) => ({ class: "example", type: "button", onclick: () => this.actions.ask(text) });
    const buttons = (EXAMPLES[examples] ?? []).map((text) => h("button", props(text), text));
    const list = h("div", { class: "examples", "data-testid": "examples" }, ...buttons);
    return notice(h("h2", {}, "What would you like to know?"), list);
  }
}
