/** Where one is signed in, and the API tokens: two lists from which things can be ended. */
import { call } from "./api.js";
import { h } from "./dom.js";
import { form } from "./form.js";

const DAY = 86_400_000;
const when = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Whole days are near enough: the server knows it to the quarter of an hour. */
function ago(ms) {
  if (!ms) return "never";
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(ms).setHours(0, 0, 0, 0)) / DAY);
  return when.format(-days, "day");
}

/** A list that is read when it is opened; `line(row)` gives its words, `end(row)` ends it, `below` stands under it. */
function list({ title, read, line, ending, end, none }, ...below) {
  const rows = h("ul", { class: "rows" });
  const reason = h("p", { class: "bad", role: "alert" });
  const element = h("details", { class: "section" }, h("summary", {}, title), rows, reason, ...below);
  async function render(change) {
    reason.textContent = "";
    try {
      await change?.();
      const found = await read();
      const items = found.map((row) => {
        const given = { class: "quiet", type: "button", "aria-label": `${ending} ${line(row)}` };
        const button = h("button", { ...given, onclick: () => render(() => end(row)) }, ending);
        return h("li", {}, h("span", { class: "name" }, line(row)), !row.current && button);
      });
      rows.replaceChildren(...(items.length ? items : [h("li", { class: "soft" }, none)]));
    } catch (refusal) {
      reason.textContent = refusal.message;
    }
  }
  element.addEventListener("toggle", () => element.open && render());
  return { element, render };
}

export function devices() {
  const everywhere = h("button", { class: "quiet", type: "button", onclick: () => shown.render(endOthers) },
    "Sign out everywhere else");
  const endOthers = () => call("DELETE", "/v1/auth/sessions");
  const shown = list({
    title: "Devices",
    read: async () => (await call("GET", "/v1/auth/sessions")).sessions,
    line: (row) => `${row.device ?? "Unknown device"}, ${row.current ? "this one" : `seen ${ago(row.seenAt)}`}`,
    ending: "Sign out",
    end: (row) => call("DELETE", `/v1/auth/sessions/${row.sessionId}`),
    none: "None",
  }, everywhere);
  return shown.element;
}

export function tokens() {
  const secret = h("output", { class: "secret", "data-testid": "token" });
  const make = form([{ name: "name", label: "What is it for?", maxlength: 200 }], "Create token", async (fields) => {
    const made = await call("POST", "/v1/auth/tokens", fields);
    make.reset();
    const take = () => navigator.clipboard?.writeText(made.token);
    const copy = h("button", { class: "quiet", type: "button", onclick: take }, "Copy");
    secret.replaceChildren(h("span", {}, "Copy it now, it is not shown again: "), h("code", {}, made.token), copy);
    await shown.render();
  });
  const shown = list({
    title: "API tokens",
    read: async () => (await call("GET", "/v1/auth/tokens")).tokens,
    line: (row) => `${row.name}, used ${ago(row.seenAt)}`,
    ending: "Delete",
    end: (row) => call("DELETE", `/v1/auth/tokens/${row.tokenId}`),
    none: "Programs that act for you get a token each. There is none yet.",
  }, secret, make);
  return shown.element;
}
