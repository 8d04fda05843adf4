/** One websocket that is opened again and again, and commands that survive its death. */
import { LOST, Refusal, call, whoAmI } from "./api.js";
import { startOver, uuidv7 } from "./dom.js";

const SILENCE = 35_000; // ms without a frame: the server pings every 25 s, so this line is dead
const WELCOME = 10_000;
const PONG = 5_000;
const STABLE = 5_000; // a connection that lived this long starts the backoff anew
// ms before we look whether another tab has signed us in again; its answer is on its way while we are closed
const SIGNED_OUT = [300, 1_500];

export class Socket {
  /** `on`: hello() -> fields, welcome(frame), frame(frame), change(). */
  constructor(on) {
    this.on = on;
    this.state = "connecting"; // connecting | authenticating | ready | backoff | stopped
    this.clientId = `tab_${uuidv7()}`; // in memory only: a duplicated tab must not share it
    this.limits = {};
    this.since = Date.now(); // when the page was last connected, or began to try
    this.everReady = false;
    this.reason = ""; // why it is stopped, for people
    this.leaving = null; // the socket whose server said goodbye
    this.session = null; // who we are: {userId, guest, email?, name?}
    this.locked = false; // stopped because one must sign in here
    this.pending = new Map();
    this.attempt = 0;
    document.addEventListener("visibilitychange", () => this.wake());
    for (const name of ["online", "pageshow"]) addEventListener(name, () => this.wake());
    addEventListener("offline", () => this.on.change());
    setInterval(() => this.#tick(), 1000);
  }

  get ready() {
    return this.state === "ready";
  }

  async open() {
    this.#abandon();
    this.#become("connecting");
    this.deadline = Date.now() + WELCOME;
    const turn = (this.turn = Symbol("one attempt"));
    try {
      if (!this.everReady) this.session = await ensureSession();
    } catch (error) {
      if (turn !== this.turn) return;
      this.locked = error.code === "permission_denied";
      if (!error.retryable) this.#stop(error.message);
      else this.#retry(error.retryAfterMs);
      return;
    }
    if (turn !== this.turn) return;
    const ws = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/socket`, ["tidewire.v1"]);
    this.ws = ws;
    ws.onopen = () => {
      this.#become("authenticating");
      ws.send(JSON.stringify({ type: "hello", id: uuidv7(), clientId: this.clientId, ...this.on.hello() }));
    };
    ws.onmessage = (event) => this.#receive(JSON.parse(event.data), ws);
    ws.onclose = (event) => this.#closed(event.code);
  }

  /** Send a command; resolves with its result once acknowledged. Unless `resend` is false it outlives the socket. */
  command(type, fields, { id = uuidv7(), resend = true } = {}) {
    const text = JSON.stringify({ type, id, ...fields });
    return new Promise((resolve, reject) => {
      const limit = this.limits.frameBytes;
      if (limit && new TextEncoder().encode(text).length > limit) {
        const message = `This is too long: the limit is about ${Math.floor(limit / 1024)} KB.`;
        reject(new Refusal({ code: "frame_too_large", message, retryable: false }));
      } else if (!this.ready && !resend) {
        reject(new Refusal(LOST));
      } else {
        this.pending.set(id, { text, resend, resolve, reject });
        if (this.ready) this.ws.send(text);
      }
    });
  }

  /** Send a frame that gets no answer, if there is a connection. */
  tell(type, fields) {
    if (this.ready) this.ws.send(JSON.stringify({ type, ...fields }));
  }

  /** The page is looked at again: connect now, or find out whether the connection survived. */
  wake() {
    if (document.hidden) return;
    if (this.state === "backoff") this.open();
    if (!this.ready) return;
    this.probe = uuidv7();
    this.tell("ping", { id: this.probe });
    const sent = this.probe;
    setTimeout(() => this.probe === sent && this.ready && this.open(), PONG);
  }

  // A throw in here must not cost the frames after it: each arrives in an event of its own.
  #receive(frame, ws) {
    if (ws !== this.ws) return;
    this.deadline = Date.now() + (this.limits.silenceMs ?? SILENCE);
    if (frame.type === "welcome") this.#welcome(frame);
    else if (frame.type === "ping") ws.send(JSON.stringify({ type: "pong", id: frame.id }));
    else if (frame.type === "pong") this.probe = frame.id === this.probe ? null : this.probe;
    else if (frame.type === "ack") this.#settle(frame.id, (command) => command.resolve(frame.result));
    else if (frame.type === "error") this.#refused(frame);
    else if (frame.type === "goodbye") this.#move(frame.reconnectAfterMs, ws);
    else if (frame.type === "auth.expiring") this.#refresh();
    else this.on.frame(frame);
  }

  #welcome(frame) {
    this.limits = frame.limits ?? {};
    this.everReady = true;
    this.readyAt = Date.now();
    this.#become("ready");
    for (const command of this.pending.values()) this.ws.send(command.text);
    this.on.welcome(frame);
  }

  #settle(id, act) {
    const command = this.pending.get(id);
    this.pending.delete(id);
    if (command) act(command);
  }

  #refused(frame) {
    if (frame.fatal || !frame.id) this.fatal = frame.error;
    // What a server that goes refuses is said again to the next one.
    if (frame.error.code === "draining" && this.leaving === this.ws && this.pending.get(frame.id)?.resend) return;
    if (frame.id) this.#settle(frame.id, (command) => command.reject(new Refusal(frame.error)));
  }

  #move([least, most], ws) {
    this.leaving = ws;
    setTimeout(() => ws === this.ws && this.open(), least + Math.random() * (most - least));
  }

  async #refresh() {
    try {
      const { ticket } = await call("POST", "/v1/auth/ticket");
      await this.command("auth.refresh", { token: ticket }, { resend: false });
    } catch {
      // The server closes with 4401 when the time is up, and that is said then.
    }
  }

  #closed(code) {
    const fatal = this.fatal;
    this.#abandon();
    if (code < 4400 || code > 4499) return this.#retry(fatal?.retryAfterMs);
    const said = fatal?.message ?? "The server refused this page.";
    if (code === 4401 || code === 4403) this.#signedOut(code === 4401 ? "Your session has ended." : said);
    else this.#stop(said);
  }

  /** Our session has ended. Another tab may have begun the next one: of the same person, then we go on, or of another. */
  async #signedOut(said) {
    const turn = (this.turn = Symbol("one attempt"));
    this.#become("connecting");
    this.deadline = Infinity;
    for (const pause of SIGNED_OUT) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const found = await whoAmI().catch(() => undefined);
      if (turn !== this.turn) return;
      if (found === undefined) return this.#retry();
      if (found && found.userId !== this.session?.userId) return startOver();
      if (found) {
        this.session = found;
        return this.open();
      }
    }
    this.#stop(said);
  }

  /** Forget the socket without waiting for its close; what cannot be sent again is lost. */
  #abandon() {
    clearTimeout(this.timer);
    if (this.ready) this.since = Date.now();
    if (this.ready && Date.now() - this.readyAt > STABLE) this.attempt = 0;
    const ws = this.ws;
    this.ws = this.turn = this.probe = this.fatal = null;
    if (ws) ws.onopen = ws.onmessage = ws.onclose = null;
    ws?.close();
    for (const [id, command] of this.pending) {
      if (!command.resend) this.#settle(id, () => command.reject(new Refusal(LOST)));
    }
  }

  #retry(atLeast = 0) {
    const delay = Math.max(atLeast, Math.random() * Math.min(20_000, 500 * 2 ** this.attempt++));
    this.retryAt = Date.now() + delay;
    this.timer = setTimeout(() => this.open(), delay);
    this.#become("backoff");
  }

  #stop(reason) {
    this.reason = reason;
    this.#become("stopped");
  }

  #become(state) {
    this.state = state;
    this.on.change();
  }

  #tick() {
    const waits = this.state === "connecting" || this.state === "authenticating";
    if ((waits || this.ready) && Date.now() > this.deadline) {
      this.#abandon();
      this.#retry();
    } else if (!this.ready) this.on.change();
  }
}

/** Find out who we are; whoever is nobody becomes a guest. */
async function ensureSession() {
  return (await whoAmI()) ?? { ...(await call("POST", "/v1/auth/guest")), guest: true };
}
