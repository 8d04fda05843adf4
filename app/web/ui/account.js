/** The dialog about oneself: sign in or register, and once that is done password, devices, tokens and the way out. */
import { call } from "./api.js";
import { devices, tokens } from "./devices.js";
import { h, startOver } from "./dom.js";
import { form } from "./form.js";

const EMAIL = { name: "email", label: "Email", type: "email", autocomplete: "username" };
const PASSWORD = { name: "password", label: "Password", type: "password" };

export class Account {
  /** `button` opens it and says who one is; `chats()` is how many chats there are. */
  constructor(button, socket, chats) {
    Object.assign(this, { button, socket, chats });
    this.body = h("div", { class: "account-body" });
    const end = () => this.element.close();
    const close = h("button", { class: "quiet", type: "button", "aria-label": "Close", onclick: end }, "✕");
    this.title = h("h2", { id: "account-title" });
    this.element = h("dialog", { class: "account-box", "aria-labelledby": "account-title", "data-testid": "account" },
      h("div", { class: "account-head" }, this.title, close), this.body);
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
    document.body.append(this.element);
    button.addEventListener("click", () => this.open());
  }

  render() {
    const { session } = this.socket;
    const who = session?.name ?? session?.email ?? "Sign in";
    if (this.button.lastChild.textContent !== who) this.button.lastChild.textContent = who;
    if (this.socket.locked && !this.wasLocked) this.open();
    this.wasLocked = this.socket.locked;
  }

  open() {
    const isSomebody = this.socket.session && !this.socket.session.guest;
    this.#show(...(isSomebody ? this.#home() : this.#enter("login")));
    if (!this.element.open) this.element.showModal();
    this.body.querySelector("input")?.focus();
  }

  #show(title, ...content) {
    this.title.textContent = title;
    this.body.replaceChildren(...content.filter(Boolean));
  }

  // --- Coming in ---

  #enter(verb) {
    const isNew = verb === "register";
    const turn = () => {
      this.#show(...this.#enter(isNew ? "login" : "register"));
      this.body.querySelector("input").focus();
    };
    const words = isNew ? "I have an account" : "Create an account";
    const other = h("button", { class: "quiet accent", type: "button", onclick: turn }, words);
    const password = { ...PASSWORD, autocomplete: isNew ? "new-password" : "current-password" };
    const more = [
      { name: "name", label: "Name, if you like", autocomplete: "name", optional: true, maxlength: 200 },
      { name: "invite", label: "Invitation code", autocomplete: "off", hidden: true, optional: true },
    ];
    const enter = async (given) => {
      await call("POST", `/v1/auth/${verb}`, given);
      await this.#entered(isNew);
    };
    const fields = form([EMAIL, password, ...(isNew ? more : [])], isNew ? "Create account" : "Sign in", enter);
    const guest = !isNew && [this.#takeAlong(), this.#forget()];
    return [isNew ? "Create an account" : "Sign in", this.#promise(isNew), fields, other, ...(guest || [])];
  }

  /** Say what becomes of a guest's chats. */
  #promise(isNew) {
    const count = this.socket.session?.guest ? this.chats() : 0;
    const chats = count === 1 ? "chat" : "chats";
    const stays = `Your ${chats} stay${count === 1 ? "s" : ""} with you, and will be on every device you sign in on.`;
    const goes = `What you asked here as a guest does not come along. Create an account to keep the ${chats}.`;
    return count > 0 && h("p", { class: "soft" }, isNew ? stays : goes);
  }

  async #entered(isNew) {
    const before = this.socket.session?.userId;
    const now = await call("GET", "/v1/auth/session");
    if (!isNew || now.userId !== before) return startOver();
    this.socket.session = now; // the same person, whose socket comes back by itself
    this.socket.locked = false;
    this.socket.on.change();
    this.element.close();
  }

  // --- Being somebody ---

  #home() {
    const { email, name } = this.socket.session;
    const out = h("button", { class: "primary", type: "button", onclick: () => this.#leave("POST", "logout") }, "Sign out");
    const who = h("p", {}, name && h("strong", {}, name), name && h("br"), email);
    return ["Your account", who, out, email && this.#password(), devices(), tokens(), this.#takeAlong(), this.#forget()];
  }

  #password() {
    const said = h("p", { class: "soft", role: "status" });
    const fields = form([
      { name: "current", label: "Password until now", type: "password", autocomplete: "current-password" },
      { name: "new", label: "New password", type: "password", autocomplete: "new-password" },
    ], "Change password", async (given) => {
      said.textContent = "";
      await call("POST", "/v1/auth/password", given);
      fields.reset();
      said.textContent = "Changed. Your other devices are signed out.";
    });
    return section("Password", fields, said);
  }

  #takeAlong() {
    if (!this.socket.session || !this.chats()) return null;
    const link = (words, format) => h("a", { href: `/v1/export?format=${format}`, download: true }, words);
    const choice = h("p", {}, link("To be read (Markdown)", "markdown"), " · ", link("For programs (JSON)", "json"));
    return section("Download my chats", choice);
  }

  /** The end of an account, or of a guest. */
  #forget() {
    const isGuest = this.socket.session?.guest;
    if (!this.socket.session || (isGuest && !this.chats())) return null;
    const password = isGuest ? [] : [{ ...PASSWORD, autocomplete: "current-password" }];
    const words = isGuest ? "Delete all chats of this guest" : "Delete account";
    const fields = form(password, `${words} for good`, (given) => this.#leave("DELETE", "account", given));
    return section(words, h("p", { class: "soft" }, "All chats go, on every device. There is no way back."), fields);
  }

  async #leave(method, path, body) {
    await call(method, `/v1/auth/${path}`, body).catch((refusal) => {
      if (refusal.status !== 401) throw refusal; // gone already: so much the better
    });
    startOver();
  }
}

const section = (title, ...content) => h("details", { class: "section" }, h("summary", {}, title), ...content);
