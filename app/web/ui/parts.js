/** The parts of an answer as elements: its text, its thoughts, and the tools it used. */
import { h } from "./dom.js";
import { Markdown } from "./markdown.js";

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

  /** `thinkingMs` is what the server measured, once the answer is over; until then the page has its own watch. */
  update(part, { thinkingMs }) {
    const writing = part.state === "streaming";
    if (writing) this.since ??= performance.now();
    else if (this.since) this.took ??= performance.now() - this.since;
    const words = writing ? "Thinking…" : thoughtFor(thinkingMs ?? this.took);
    if (this.summary.textContent !== words) this.summary.textContent = words;
    this.element.hidden = !writing && !part.text; // thoughts that the provider keeps to itself
    this.markdown.update(part.text, writing);
  }
}

export function thoughtFor(ms) {
  if (ms === undefined) return "Thoughts";
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return "Thought for a moment";
  if (seconds < 60) return `Thought for ${seconds} second${seconds === 1 ? "" : "s"}`;
  return `Thought for ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How people call a tool, and what they want to know of a call at a glance. */
const TOOLS = {
  calculate: ({ input, output }) => ["Calculator", output ? `${input?.expression} = ${output.result}` : input?.expression],
  search_chats: ({ input }) => ["Search in your other chats", input?.query && `“${input.query}”`],
  search_documentation: ({ input }) => ["Search in the documentation", input?.query && `“${input.query}”`],
  ask_person: ({ output }) => ["Question for you", output?.choice],
};
const STATES = {
  "approval-requested": "waits for you",
  "output-available": "",
  "output-error": "failed",
  "output-denied": "not allowed",
};

/** Whether a call of an answer that is being written waits for the person. */
export function waitsForPerson(part) {
  if (part.state === "approval-requested") return true;
  const isQuestion = part.type === "tool-ask_person" && part.state === "input-available";
  return isQuestion && Array.isArray(part.input?.choices); // what a model writes may be anything
}

class Call {
  constructor() {
    this.summary = h("summary");
    this.body = h("div", { class: "call-body" });
    this.details = h("details", {}, this.summary, this.body);
    this.choice = h("div", { class: "choice", hidden: true });
    this.element = h("div", { class: "call", "data-testid": "call" }, this.details, this.choice);
  }

  /** `actions`: approve(part, approved), deliver(part, output); `live` while the answer is being written. */
  update(part, { live, actions }) {
    const key = `${part.state} ${live} ${JSON.stringify([part.approval?.approved, part.input === undefined])}`;
    if (key === this.key) return;
    this.key = key;
    const name = part.toolName ?? part.type.slice("tool-".length);
    const [title, gist] = TOOLS[name]?.(part) ?? [name.replaceAll("_", " ")];
    const state = STATES[part.state] ?? (live ? "…" : "not finished");
    this.element.dataset.state = part.state;
    const words = [h("b", {}, title), gist && h("span", { class: "gist" }, gist)];
    const mark = state && h("span", { class: part.state === "output-error" ? "bad" : "state" }, state);
    this.summary.replaceChildren(...[...words, mark].filter(Boolean));
    this.body.replaceChildren(...this.#body(part));
    this.#ask(part, live && waitsForPerson(part), actions);
  }

  #body({ input, output, errorText, approval }) {
    const shown = [["Asked", input], ["Result", output], ["Error", errorText], ["Reason", approval?.reason]];
    return shown.filter(([, value]) => value != null).flatMap(([label, value]) => [
      h("h3", {}, label),
      h("pre", {}, h("code", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2))),
    ]);
  }

  /** What a person can do about it now. */
  #ask(part, waits, actions) {
    this.choice.hidden = !waits;
    if (!waits) return void this.choice.replaceChildren();
    const isChoice = part.state === "input-available";
    const button = (kind, text, act) => h("button", { type: "button", class: kind, onclick: () => this.#act(act) }, text);
    const buttons = isChoice
      ? part.input.choices.map((choice) => button("decide", choice, () => actions.deliver(part, { choice })))
      : [
          button("decide accent", "Approve", () => actions.approve(part, true)),
          button("decide", "Deny", () => actions.approve(part, false)),
        ];
    const question = isChoice ? part.input.question : "May the model do this?";
    this.problem = h("p", { class: "bad", role: "alert" });
    this.choice.replaceChildren(h("p", {}, question), h("div", { class: "buttons" }, ...buttons), this.problem);
  }

  async #act(act) {
    const buttons = this.choice.querySelectorAll("button");
    buttons.forEach((button) => (button.disabled = true));
    this.problem.textContent = "";
    try {
      await act(); // what comes of it comes with the answer
    } catch (error) {
      this.problem.textContent = error.message;
      buttons.forEach((button) => (button.disabled = false));
    }
  }
}

/** The class that shows a kind of part; undefined for kinds this page does not show. */
export function viewOf({ type }) {
  if (type === "text") return Text;
  if (type === "reasoning") return Reasoning;
  return type.startsWith("tool-") || type === "dynamic-tool" ? Call : undefined;
}
