/** What stands in place of a question while it is rewritten. */
import { h } from "./dom.js";

/** `save(text)` returns a promise; when it fails, the words stay and the reason is said. `close()` ends it. */
export function editor(text, { save, close }) {
  const words = h("textarea", { "aria-label": "Your question", rows: 1 });
  const reason = h("span", { class: "bad", role: "alert" });
  const cancel = h("button", { class: "quiet", type: "button", onclick: close }, "Cancel");
  const send = h("button", { class: "quiet accent", type: "submit" }, "Send");
  const form = h("form", { class: "editor" }, words, h("div", { class: "foot" }, reason, cancel, send));
  const fit = () => {
    words.style.height = "auto";
    words.style.height = `${words.scrollHeight}px`;
  };
  words.value = text;
  words.addEventListener("input", fit);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation(); // elsewhere it stops the answer
      close();
    } else if (event.key === "Enter" && !event.shiftKey && event.target === words) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.disabled || !words.value.trim()) return;
    send.disabled = words.disabled = true;
    reason.textContent = "";
    try {
      await save(words.value);
      close();
    } catch (error) {
      reason.textContent = error.message;
      send.disabled = words.disabled = false;
      words.focus();
    }
  });
  requestAnimationFrame(() => {
    fit();
    words.focus();
    words.setSelectionRange(text.length, text.length);
  });
  return form;
}
