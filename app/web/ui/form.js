/** A form whose errors stand beside the field they are about. */
import { h } from "./dom.js";

let forms = 0;

/**
 * `fields`: [{name, label, type?, optional?, hidden?, …attributes}]. `act(values)` returns a promise; when it is refused,
 * the refusal's `param` says beside which field. A hidden field is shown once something is said about it.
 */
export function form(fields, words, act) {
  const id = `form-${++forms}`;
  const inputs = fields.map((field) => new Field(id, field));
  const reason = h("p", { class: "bad", role: "alert" });
  const submit = h("button", { class: "primary", type: "submit" }, words);
  const element = h("form", { class: "form", novalidate: true }, ...inputs.map((each) => each.element), reason, submit);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    for (const input of inputs) input.say("");
    reason.textContent = "";
    const empty = inputs.find((input) => input.isMissing);
    if (empty) return empty.say("Please fill this in.");
    submit.disabled = true;
    try {
      await act(Object.fromEntries(inputs.filter((each) => each.value).map((each) => [each.name, each.value])));
    } catch (refusal) {
      const at = inputs.find((each) => refusal.param === `$.${each.name}`);
      if (at) at.say(refusal.message);
      else reason.textContent = refusal.message;
    }
    submit.disabled = false;
  });
  return element;
}

class Field {
  constructor(id, { name, label, type = "text", optional = false, hidden = false, ...attributes }) {
    Object.assign(this, { name, optional });
    const error = `${id}-${name}-error`;
    const own = { name, type, id: `${id}-${name}`, "aria-describedby": error, maxlength: 512 };
    this.input = h("input", { ...own, ...attributes });
    this.error = h("span", { id: error, class: "bad", role: "alert" });
    this.element = h("label", { for: `${id}-${name}`, hidden }, label, this.input, this.error);
  }

  get value() {
    return this.input.value;
  }

  get isMissing() {
    return !this.optional && !this.element.hidden && !this.value.trim();
  }

  say(words) {
    this.error.textContent = words;
    this.input.setAttribute("aria-invalid", String(Boolean(words)));
    if (!words) return;
    this.element.hidden = false;
    this.input.focus();
  }
}
