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
  if (status === "sending") return "Sending…";
  if (status === "queued") return "Waiting…";
  if (status === "streaming") return hasText ? "Writing…" : "Thinking…";
  if (status === "stopped") return "Stopped";
  if (status === "failed") return `Couldn’t finish: ${reason || "something went wrong."}`;
  if (status === "interrupted") return `Interrupted${reason ? `: ${reason}` : ""}`;
  if (finishReason === "length") return "Cut off: the answer reached its longest length.";
  return finishReason === "content-filter" ? "The model declined to go on." : null;
}

async function copied(button, text) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

class Folded {
  constructor() {
    this.summary = h("summary");
    this.body = h("div", { class: "prose" });
    this.element = h("details", { class: "folded" }, this.summary, this.body);
  }
}

class Reasoning extends Folded {
  markdown = new Markdown(this.body);
  update(part) {
    this.summary.textContent = part.state === "streaming" ? "Thinking…" : "Thoughts";
    this.markdown.update(part.text);
  }
}

class Tool extends Folded {
  update(part) {
    const over = part.state.startsWith("output");
    this.summary.textContent = `${over ? "Used" : "Using"} ${part.toolName ?? part.type.slice(5)}`.replaceAll("_", " ");
    const shown = [part.input ?? part.inputText, part.output, part.errorText].filter((value) => value !== undefined);
    const texts = shown.map((value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2)));
    this.body.replaceChildren(...texts.map((text) => h("pre", {}, h("code", {}, text))));
  }
}

class Text {
  element = h("div", { class: "prose" });
  markdown = new Markdown(this.element);
  update = (part) => this.markdown.update(part.text);
}

class Named {
  element = h("p", { class: "source" });
  update(part) {
    const name = part.title ?? part.filename ?? part.url ?? part.mediaType;
    const isLink = /^https?:\/\//i.test(part.url ?? "");
    const link = isLink && h("a", { href: part.url, target: "_blank", rel: "noopener noreferrer nofollow" }, name);
    this.element.replaceChildren(link || name);
  }
}

function kindOf(part) {
  if (part.type === "text") return Text;
  if (part.type === "reasoning") return Reasoning;
  if (part.type.startsWith("tool-") || part.type === "dynamic-tool") return Tool;
  return part.type === "file" || part.type.startsWith("source-") ? Named : null;
}

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
    const key = [status, connected, message.stream?.label, message.error?.message].join("\n");
    if (!live && key === this.key && message.parts === this.drawn) return;
    if (message.role === "user") this.body.textContent = textOf(message);
    else this.#draw(message.parts);
    if (live || key !== this.key) this.#mark(message, status, live, connected);
    Object.assign(this, { key, drawn: live ? null : message.parts });
  }

  #draw(parts) {
    const shown = parts.filter(kindOf);
    this.parts = shown.map((part, i) => (this.parts[i] instanceof kindOf(part) ? this.parts[i] : new (kindOf(part))()));
    this.parts.forEach((view, i) => view.update(shown[i]));
    arrange(this.body, this.parts.map((view) => view.element));
  }

  #mark(message, status, live, connected) {
    const { element, foot } = this;
    element.dataset.status = status;
    element.setAttribute("aria-busy", String(live && message.role !== "user"));
    const mark = message.role === "user" ? this.#ofQuestion(message) : this.#ofAnswer(message, status, live, connected);
    foot.replaceChildren(...mark.filter(Boolean));
  }

  #ofQuestion(message) {
    if (message.state !== "refused") return [];
    const retry = h("button", { class: "quiet", type: "button", onclick: () => this.actions.retry(message) }, "Retry");
    return [h("span", { class: "bad" }, `Not sent: ${message.error.message}`), retry];
  }

  #ofAnswer(message, status, live, connected) {
    const { error, finishReason } = message.metadata ?? {};
    const hasText = Boolean(textOf(message));
    const words = wordsFor(status, { label: live && message.stream.label, hasText, error, finishReason, connected });
    const mark = words && h("span", { class: live ? "busy" : status === "failed" ? "bad" : "said" }, words);
    const copy = !live && hasText && navigator.clipboard && h("button", { class: "quiet copy", type: "button" }, "Copy");
    if (copy) copy.onclick = () => copied(copy, textOf(message));
    return [mark, copy];
  }
}

export class Thread {
  /** `actions`: retry(message), ask(text), older(), reload(). */
  constructor(root, actions) {
    Object.assign(this, { root, actions, views: new WeakMap() });
  }

  render(chat, { connected, isDemo }) {
    const elements = chat.messages.map((message) => this.#view(message, connected));
    if (chat.nextCursor) elements.unshift(this.#once("older", chat, () => this.#button("Show earlier messages", "older")));
    if (!elements.length) elements.push(this.#once(`${chat.state} ${isDemo}`, chat, () => this.#empty(chat, isDemo)));
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

  #empty(chat, isDemo) {
    if (chat.state === "loading") return h("p", { class: "loading", role: "status" }, "Loading…");
    if (chat.state === "failed") return h("div", { class: "empty" }, h("p", {}, chat.error), this.#button("Try again", "reload"));
    if (chat.state === "missing" && !chat.draft.text) {
      return h("div", { class: "empty" }, h("p", {}, "This chat does not exist, or it was deleted."), h("a", { href: "/" }, "Start a new one"));
    }
    const ask = (text) => h("button", { class: "example", type: "button", onclick: () => this.actions.ask(text) }, text);
    const examples = h("div", { class: "examples", "data-testid": "examples" }, ...EXAMPLES[isDemo ? "demo" : "real"].map(ask));
    return h("div", { class: "empty" }, h("h2", {}, "What would you like to know?"), examples);
  }
}
