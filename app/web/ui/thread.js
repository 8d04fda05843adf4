/** The messages of the shown chat as elements; a finished one is not touched again. */
import { shownFile } from "./attachments.js";
import { statusOf, textOf } from "./chat.js";
import { arrange, h } from "./dom.js";
import { editor } from "./editing.js";
import { viewOf, waitsForPerson } from "./parts.js";

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

class MessageView {
  constructor(message, actions) {
    this.actions = actions;
    this.parts = [];
    this.calls = {
      approve: (part, approved) => actions.approve(message, part.approval.id, approved),
      deliver: (part, output) => actions.deliver(message, part.toolCallId, output),
    };
    this.body = h("div", { class: "body" });
    this.status = h("span", { "data-testid": "status" });
    this.foot = h("div", { class: "foot", hidden: true }, this.status);
    const who = h("h2", { class: "spoken" }, message.role === "user" ? "You" : "Answer");
    const props = { class: `message ${message.role}`, "data-message-id": message.id, "data-role": message.role };
    this.element = h("article", props, who, this.body, this.foot);
    // For tests and extensions: the exact text, whatever has been drawn of it so far.
    Object.defineProperty(this.element, "sourceText", { get: () => textOf(message) });
  }

  /** `tool` is what can be done with it now: `edit`, `retry` or `regenerate`. */
  update(message, connected, tool) {
    if (this.editor) return;
    const status = statusOf(message);
    const live = RUNNING.includes(status);
    const words = message.role === "user" ? this.#unsent(message, connected) : this.#words(message, status, connected);
    const { index, ids } = message.metadata?.versions ?? {};
    const key = `${status} ${words} ${index}/${ids?.length} ${tool} ${message.rewriting} ${message.problem}`;
    if (!live && key === this.key && message.parts === this.drawn) return;
    if (message.role !== "user") this.#draw(message, live);
    else if (message.parts !== this.drawn) this.#show(message);
    if (key !== this.key) this.#mark(message, status, words, live, tool);
    Object.assign(this, { key, drawn: message.parts });
  }

  #unsent(message, connected) {
    if (message.state === "refused") return `Not sent: ${message.error.message}`;
    return message.state === "sending" && !connected ? "Will be sent when the connection is back." : null;
  }

  #words(message, status, connected) {
    const { error, finishReason } = message.metadata ?? {};
    const hasText = message.parts.some((part) => part.type === "text" && part.text);
    const waits = message.parts.some(waitsForPerson) && "Waiting for you";
    const label = message.stream?.over === false ? waits || message.stream.label : "";
    return wordsFor(status, { label, hasText, error, finishReason, connected });
  }

  #show(message) {
    const text = textOf(message);
    const files = message.parts.filter((part) => part.type === "file").map(shownFile);
    if (files.length) files.splice(0, files.length, h("div", { class: text ? "files above" : "files" }, ...files));
    this.body.replaceChildren(...files, text);
  }

  #draw(message, live) {
    const shown = message.parts.filter(viewOf);
    const view = (part, i) => (this.parts[i] instanceof viewOf(part) ? this.parts[i] : new (viewOf(part))());
    this.parts = shown.map(view);
    const thoughts = shown.filter((part) => part.type === "reasoning");
    this.parts.forEach((view, i) => {
      const thinkingMs = message.metadata?.thinkingMs?.[thoughts.indexOf(shown[i])];
      view.update(shown[i], { live, thinkingMs, actions: this.calls });
    });
    arrange(this.body, this.parts.map((view) => view.element));
  }

  #mark(message, status, words, live, tool) {
    const isBad = status === "refused" || status === "failed";
    const tools = [
      message.problem && h("span", { class: "bad", role: "alert" }, message.problem),
      status === "refused" && this.#button("Retry", () => this.actions.retry(message)),
      !live && this.#versions(message),
      tool && this.#tool(message, tool),
    ].filter(Boolean);
    this.status.className = live ? "busy" : isBad ? "bad" : "said";
    this.status.textContent = words ?? "";
    this.status.hidden = !words;
    this.element.dataset.status = status;
    this.element.setAttribute("aria-busy", String(live && message.role !== "user"));
    this.foot.replaceChildren(this.status, ...tools);
    this.foot.hidden = !words && !tools.length;
  }

  #button(text, onclick, props = {}) {
    return h("button", { class: "quiet", type: "button", onclick, ...props }, text);
  }

  #versions(message) {
    const { index, ids } = message.metadata?.versions ?? { ids: [] };
    if (ids.length < 2) return null;
    const turn = (text, label, id) =>
      this.#button(text, () => this.actions.select(id), { "aria-label": label, disabled: !id });
    const count = h("span", { "aria-label": `Version ${index + 1} of ${ids.length}` }, `${index + 1} / ${ids.length}`);
    const buttons = [turn("‹", "Previous version", ids[index - 1]), count, turn("›", "Next version", ids[index + 1])];
    return h("span", { class: "versions", "data-testid": "versions" }, ...buttons);
  }

  #tool(message, tool) {
    if (tool === "edit") return this.#button("Edit", () => this.#edit(message));
    const name = tool === "retry" ? "Retry" : "Regenerate";
    return this.#button(name, () => this.actions.rewrite(message, tool), { disabled: message.rewriting });
  }

  #edit(message) {
    const close = () => {
      this.editor?.remove();
      this.editor = null;
      this.body.hidden = this.foot.hidden = false;
      this.foot.lastElementChild?.focus();
    };
    this.editor = editor(textOf(message), { save: (text) => this.actions.edit(message, text), close });
    this.body.hidden = this.foot.hidden = true;
    this.element.append(this.editor);
  }
}

/** What can be done while nothing is being answered: with the last answer, and with the question it belongs to. */
function toolsOf(chat) {
  if (chat.busy) return new Map();
  const [question, answer] = chat.messages.filter((message) => !message.state).slice(-2);
  if (answer?.role !== "assistant") return new Map();
  const verb = statusOf(answer) === "completed" ? "regenerate" : "retry";
  return new Map([[question, "edit"], [answer, verb]]);
}

export class Thread {
  /**
   * `actions`: retry(question), rewrite(answer, verb), edit(question, text), select(id), ask(text), older(), reload(),
   * approve(answer, approvalId, approved), deliver(answer, toolCallId, output).
   */
  constructor(root, actions) {
    Object.assign(this, { root, actions, views: new WeakMap() });
  }

  render(chat, { connected, examples }) {
    const tools = toolsOf(chat);
    const elements = chat.messages.map((message) => this.#view(message, connected, tools.get(message)));
    const older = () => this.#button("Show earlier messages", "older");
    if (chat.nextCursor) elements.unshift(this.#once("older", chat, older));
    const key = `${chat.state} ${examples} ${Boolean(chat.draft.text)}`;
    if (!elements.length) elements.push(this.#once(key, chat, () => this.#empty(chat, examples)));
    arrange(this.root, elements);
  }

  #view(message, connected, tool) {
    if (!this.views.has(message)) this.views.set(message, new MessageView(message, this.actions));
    const view = this.views.get(message);
    view.update(message, connected, tool);
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
