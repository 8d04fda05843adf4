/** Answers that are being written: subscriptions that continue exactly. */
import { fold } from "./fold.js";

const OVER = ["completed", "stopped", "failed", "interrupted"];

export class Streams {
  /** `on.change(stream)`, `on.started(stream)` at its `start` chunk, `on.end(stream)`, `on.lost(stream)`. */
  constructor(socket, on) {
    this.socket = socket;
    this.on = on;
    this.byId = new Map();
  }

  /** The ack of a generating command: its subscription starts at 0 behind it (guarantees 10 and 25). */
  adopt(info, message) {
    const stream = this.#known(info, message);
    this.#rewind(stream);
    stream.state = "live";
    return stream;
  }

  /** Join an answer that somebody else started, or that was running when the page was loaded. */
  follow(info, message) {
    const known = this.byId.get(info.streamId);
    const stream = this.#known(info, message);
    if (!known) this.#subscribe(stream);
    return stream;
  }

  /** For `hello.streams`: everything unfinished, each after its own last chunk. */
  positions() {
    return [...this.byId.values()].slice(0, 32).map((stream) => {
      stream.state = "subscribing";
      stream.asked = null;
      return { streamId: stream.streamId, after: stream.last };
    });
  }

  /** `welcome.streams` is a barrier as an ack is; streams it does not name were begun since the hello. */
  welcome(answers) {
    const named = new Map(answers.map((answer) => [answer.streamId, answer]));
    for (const stream of [...this.byId.values()]) {
      const answer = named.get(stream.streamId);
      if (!answer) this.#subscribe(stream);
      else if (answer.error) this.#lose(stream);
      else this.#live(stream, answer);
    }
  }

  receive(frame) {
    const stream = this.byId.get(frame.streamId);
    if (!stream || stream.state !== "live") return;
    if (frame.type === "stream.chunk") this.#chunks(stream, frame);
    else if (frame.type === "stream.end") this.#end(stream, frame);
    else if (!OVER.includes(frame.status)) Object.assign(stream, { status: frame.status, label: frame.label });
    this.on.change(stream);
  }

  #known(info, message) {
    const known = this.byId.get(info.streamId);
    if (known) return known;
    const stream = { ...info, message, last: 0, open: new Map(), state: "idle", label: "", over: false };
    message.stream = stream;
    this.byId.set(info.streamId, stream);
    return stream;
  }

  async #subscribe(stream) {
    stream.state = "subscribing";
    const asked = (stream.asked = { after: stream.last });
    try {
      const fields = { streamId: stream.streamId, after: asked.after };
      const answer = await this.socket.command("stream.subscribe", fields, { resend: false });
      if (stream.asked !== asked) return;
      if (stream.last !== asked.after) this.#subscribe(stream);
      else this.#live(stream, answer);
    } catch (error) {
      // A lost connection is no loss: the next hello names this stream.
      if (stream.asked === asked && error.code !== "disconnected") this.#lose(stream);
    }
  }

  #live(stream, answer) {
    stream.state = "live";
    if (!OVER.includes(answer.status)) stream.status = answer.status;
    this.on.change(stream);
  }

  #rewind(stream) {
    Object.assign(stream, { last: 0, open: new Map(), asked: null });
    Object.assign(stream.message, { parts: [], metadata: {} });
  }

  #chunks(stream, frame) {
    if (frame.seq <= stream.last) return;
    if (frame.prev !== stream.last) return void this.#subscribe(stream);
    if (stream.last === 0) this.#rewind(stream);
    fold(stream.message, stream.open, frame.chunks);
    stream.last = frame.seq;
    if (stream.status === "queued") stream.status = "streaming";
    if (stream.status === "streaming") stream.label = ""; // the words themselves say more
    if (frame.prev === 0) this.on.started(stream);
  }

  #end(stream, frame) {
    if (frame.seq !== stream.last) return void this.#subscribe(stream);
    stream.over = true;
    this.byId.delete(stream.streamId);
    Object.assign(stream.message.metadata, { status: frame.status, error: frame.error ?? null });
    if (frame.finishReason) stream.message.metadata.finishReason = frame.finishReason;
    this.on.end(stream);
  }

  #lose(stream) {
    stream.over = true;
    this.byId.delete(stream.streamId);
    this.on.lost(stream);
  }
}
