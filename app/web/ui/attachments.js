/** Files beside the message that is being written: uploaded at once, so that sending waits for nothing. */
import { upload } from "./api.js";
import { arrange, h } from "./dom.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const PDF = "application/pdf";
const TEXT_ALL_THE_SAME = ["image/svg+xml", "video/mp2t"]; // as browsers call .svg and .ts
const TAKEN = "text, PNG, JPEG, GIF, WebP or PDF";
const MOST = 20; // files in one message
const STORED = /^\/v1\/files\/[A-Za-z0-9_-]{1,64}$/;

/** The part of a message that names an uploaded file. */
export const partOf = ({ url, mediaType, filename }) => ({ type: "file", url, mediaType, filename });

/** A file of a message as people see it: a picture itself, anything else by name. Nothing is loaded from elsewhere. */
export function shownFile({ url, mediaType, filename }) {
  if (!STORED.test(url)) return h("span", { class: "file" }, filename);
  if (!PICTURES.includes(mediaType)) return h("a", { class: "file", href: url, download: filename }, filename);
  const picture = h("img", { src: url, alt: filename });
  return h("a", { class: "picture", href: url, target: "_blank", rel: "noopener", title: filename }, picture);
}

/** A number of bytes, for people. */
export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const [size, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${size.toFixed(size < 10 ? 1 : 0).replace(/\.0$/, "")} ${unit}`;
}

export class Attachments {
  /** `limits()` are those of the server; `on`: change(), ready(chat) when a chat that waited for uploads can send. */
  constructor(root, problem, limits, on) {
    Object.assign(this, { root, problem, limits, on, rows: new WeakMap(), waiting: null });
  }

  /** Attach files to what is being written in a chat; what cannot be sent is said at once. */
  async add(chat, files) {
    this.#say("");
    for (const file of files) {
      const mediaType = await typeOf(file);
      const wrong = this.#whatIsWrong(chat, file, mediaType);
      if (wrong) this.#say(wrong);
      else this.#upload(chat, file, mediaType);
    }
  }

  /** Whether a chat's message may be sent as it is; one that must wait for its files is sent as soon as they are there. */
  ready(chat) {
    const { files } = chat.draft;
    const failed = files.find((file) => file.problem);
    this.waiting = !failed && files.some((file) => !file.url) ? chat : null;
    if (failed) this.#say(`${failed.filename} could not be uploaded. Remove it, or attach it once more.`);
    else if (this.waiting) this.#say("Will be sent when everything is uploaded.");
    else this.#say("");
    return !failed && !this.waiting;
  }

  render(chat) {
    arrange(this.root, chat.draft.files.map((file) => this.#row(chat, file)));
    this.root.hidden = !chat.draft.files.length;
  }

  #whatIsWrong(chat, file, mediaType) {
    const { fileBytes = Infinity, messageFileBytes = Infinity } = this.limits();
    const together = chat.draft.files.reduce((sum, { size }) => sum + size, file.size);
    if (!file.size) return `${file.name} is empty.`;
    if (file.size > fileBytes) return `${file.name} has ${sizeOf(file.size)}; a file may have ${sizeOf(fileBytes)}.`;
    if (!mediaType) return `${file.name} cannot be attached: files may be ${TAKEN}, and text must be UTF-8.`;
    if (chat.draft.files.length >= MOST) return `A message takes ${MOST} files.`;
    if (together > messageFileBytes) return `The files of one message may have ${sizeOf(messageFileBytes)} together.`;
    return "";
  }

  async #upload(chat, file, mediaType) {
    const item = { filename: file.name, size: file.size, mediaType };
    chat.draft.files.push(item);
    this.on.change();
    try {
      Object.assign(item, await upload(file, mediaType, file.name));
      chat.keep();
    } catch (refusal) {
      item.problem = refusal.message;
    }
    if (this.waiting === chat && this.ready(chat)) this.on.ready(chat);
    this.on.change();
  }

  #remove(chat, item) {
    chat.draft.files = chat.draft.files.filter((file) => file !== item);
    chat.keep();
    this.#say("");
    this.on.change();
  }

  #row(chat, item) {
    const key = `${item.url} ${item.problem}`;
    if (this.rows.get(item)?.key !== key) this.rows.set(item, { key, element: this.#make(chat, item) });
    return this.rows.get(item).element;
  }

  #make(chat, item) {
    const isPicture = item.url && PICTURES.includes(item.mediaType);
    const state = item.problem ?? (item.url ? sizeOf(item.size) : "Uploading…");
    const remove = () => this.#remove(chat, item);
    return h("li", { class: item.problem ? "attachment bad" : "attachment", "data-testid": "attachment" },
      isPicture ? h("img", { src: item.url, alt: "" }) : null,
      h("span", { class: "name", title: item.filename }, item.filename),
      h("span", { class: item.problem ? "bad" : "soft" }, state),
      h("button", { class: "quiet", type: "button", "aria-label": `Remove ${item.filename}`, onclick: remove }, "✕"));
  }

  #say(words) {
    this.problem.textContent = words;
    this.problem.hidden = !words;
  }
}

/** What a file is sent as; null when it is nothing that is taken. Browsers do not know most kinds of text by name. */
async function typeOf(file) {
  if (PICTURES.includes(file.type) || file.type === PDF) return file.type;
  const isMedia = /^(image|audio|video|font)\//.test(file.type) && !TEXT_ALL_THE_SAME.includes(file.type);
  if (isMedia) return null;
  const head = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
  if (head.includes(0)) return null;
  return file.type.startsWith("text/") ? file.type : "text/plain";
}

/** Take files that are pasted into `text` or dropped anywhere. Office pastes a picture of its text: the text is meant. */
export function takeFiles(text, add) {
  text.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    if (!files.length || (types.includes("text/html") && types.includes("text/plain"))) return;
    event.preventDefault();
    add(files);
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const over = (isOver) => document.body.classList.toggle("dropping", isOver);
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? over(false));
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(false);
    add(event.dataTransfer.files);
  });
}
