/** The page: joins the socket, the chats and what is drawn. All drawing happens once per animation frame. */
import { Account } from "./account.js";
import { Attachments, takeFiles } from "./attachments.js";
import { Chat } from "./chat.js";
import { Dashboard } from "./dashboard.js";
import { $, h, storage, uuidv7 } from "./dom.js";
import { Menu } from "./menu.js";
import { Presence } from "./presence.js";
import { Queue } from "./queue.js";
import { Search } from "./search.js";
import { Sidebar } from "./sidebar.js";
import { Socket } from "./socket.js";
import { Streams } from "./streams.js";
import { Thread, wordsFor } from "./thread.js";

const PATIENCE = 2_000; // ms without a connection before it is worth a word
const CALM = 1_000; // ms before a chat is read again because its stream was refused, lest the two go in circles
const NEAR = 48; // px from the end that still count as the end

const chats = new Map();
let shown = null;
let atEnd = true;
let lastTop = 0;

const socket = new Socket({
  hello: () => ({
    client: { name: "tidewire-page", version: "1", platform: "web" },
    capabilities: ["status", "tools"],
    events: dashboard.position ?? undefined,
    streams: streams.positions(),
  }),
  welcome(frame) {
    dashboard.welcome(frame);
    streams.welcome(frame.streams);
    presence.say(true);
    draw();
  },
  frame(frame) {
    if (frame.type === "event" || frame.type === "events.reset") dashboard.receive(frame);
    else if (frame.type.startsWith("stream.")) streams.receive(frame);
  },
  change: () => draw(),
});

const dashboard = new Dashboard(socket, {
  change: () => draw(),
  reset() {
    for (const chat of chats.values()) chat.stale = chat.state === "loaded";
    if (shown?.stale) load(shown);
  },
  event(frame) {
    const chat = chats.get(frame.data.chatId);
    if (chat === shown && frame.data.chat?.awaitingApproval) say("The answer waits for you.");
    if (!chat || (frame.sourceClientId === socket.clientId && !chat.awaits(frame))) return;
    if (frame.name === "chat.deleted") chat.remove();
    else if (chat === shown) chat.event(frame);
    else chat.stale = true;
  },
});

const presence = new Presence(socket, dashboard, () => shown);

const streams = new Streams(socket, {
  change: () => draw(),
  started(stream) {
    chats.get(stream.chatId)?.started(stream);
    if (stream.chatId === shown.chatId) say("The answer begins.");
  },
  end(stream) {
    const { status, error, finishReason } = stream.message.metadata;
    const words = wordsFor(status, { error, finishReason, connected: true });
    if (stream.chatId === shown.chatId) say(words ?? "The answer is finished.");
  },
  lost: (stream) => setTimeout(() => chats.get(stream.chatId)?.load(), CALM),
});

const failed = (error) => say(error.message);
const menu = new Menu({
  rename: (chat, row) => row.rename((title) => dashboard.update(chat.chatId, { title }).catch(failed)),
  pin: (chat) => dashboard.update(chat.chatId, { pinned: !chat.pinned }).catch(failed),
  remove(chat) {
    if (chat.chatId === shown.chatId) go("/");
    const gone = () => chats.get(chat.chatId)?.remove();
    dashboard.delete(chat.chatId).then(gone, failed);
  },
});
const sidebar = new Sidebar($("chats"), (chat, row, anchor) => menu.open(chat, row, anchor));
const search = new Search($("search"), socket, dashboard, () => draw());
const account = new Account($("account"), socket, () => dashboard.chats.size);
const thread = new Thread($("thread"), {
  retry: (message) => shown.retry(message),
  rewrite: (message, verb) => shown.rewrite(message, verb, model()),
  edit: (message, text) => shown.edit(message, text, model()),
  select: (messageId) => shown.select(messageId).catch((error) => say(error.message)),
  ask: (text) => send(text),
  reload: () => load(shown),
  older: () => shown.older().catch((error) => say(error.message)),
  approve: ({ stream: { streamId } }, approvalId, approved) =>
    socket.command("tool.approval", { streamId, approvalId, approved }),
  deliver: ({ stream: { streamId } }, toolCallId, output) =>
    socket.command("tool.output", { streamId, toolCallId, output }),
});

const arranging = (change) => change.catch((error) => say(error.message));
const queue = new Queue($("queue"), {
  now: (item) => arranging(shown.now(item)),
  remove: (item) => arranging(shown.arrange({ remove: [item.commandId] })),
  proceed: () => arranging(shown.arrange({ paused: false })),
});

const attachments = new Attachments($("attachments"), $("attach-problem"), () => socket.limits, {
  change: () => draw(),
  ready: (chat) => chat === shown && send($("text").value),
});

// --- Which chat is shown ---

function route() {
  const id = /^\/c\/([A-Za-z0-9_-]{1,64})\/?$/.exec(location.pathname)?.[1];
  const context = { socket, streams, dashboard, change: draw };
  const chat = chats.get(id) ?? new Chat(id ?? `chat_${uuidv7()}`, id ?? "new", context);
  if (chat === shown) return;
  shown = chat;
  chats.set(chat.chatId, chat);
  if (id && (chat.state === "new" || chat.state === "failed" || chat.stale)) load(chat);
  fill(chat.draft.text);
  drawer(false);
  presence.say();
  atEnd = true;
  if (matchMedia("(hover: hover)").matches) $("text").focus();
  draw();
}

async function load(chat) {
  chat.stale = false;
  await chat.load();
  if (chat.recall() && chat === shown) fill(chat.draft.text);
  draw();
}

function go(path) {
  if (path !== location.pathname) history.pushState(null, "", path);
  route();
}

// --- Asking and stopping ---

function send(text) {
  if (!text.trim() && !shown.draft.files.length) return;
  if (!attachments.ready(shown)) return;
  atEnd = true;
  shown.send(text, model());
  fill("");
  go(`/c/${shown.chatId}`);
  draw();
}

const model = () => (dashboard.models.length > 1 ? $("model").value : undefined);

function fill(text) {
  $("text").value = text;
  fit();
}

function fit() {
  const { style } = $("text");
  style.height = "auto";
  style.height = `${Math.min($("text").scrollHeight, 220)}px`;
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send($("text").value);
});
$("text").addEventListener("input", () => {
  shown.write($("text").value);
  fit();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send($("text").value);
});
$("stop").addEventListener("click", () => shown.stop());
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  attachments.add(shown, [...$("file").files]);
  $("file").value = ""; // so that the same file can be chosen again
});
takeFiles($("text"), (files) => attachments.add(shown, [...files]));
$("model").addEventListener("change", () => {
  storage.write("model", $("model").value);
  draw();
});

// --- Finding one's way ---

function drawer(open) {
  document.body.classList.toggle("drawer", open);
  $("backdrop").hidden = !open;
  $("menu").setAttribute("aria-expanded", String(open));
}

$("menu").addEventListener("click", () => drawer(!document.body.classList.contains("drawer")));
$("backdrop").addEventListener("click", () => drawer(false));
$("more").addEventListener("click", () => (search.chats ? search : dashboard).more().catch(failed));
$("latest").addEventListener("click", () => {
  atEnd = true;
  draw();
});
$("scroll").addEventListener("scroll", () => {
  const { scrollTop, scrollHeight, clientHeight } = $("scroll");
  const left = scrollHeight - clientHeight - scrollTop;
  atEnd = left < (scrollTop < lastTop ? 4 : NEAR); // whoever scrolls up, however little, wants to read
  lastTop = scrollTop;
  $("latest").hidden = atEnd;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) return find(event);
  if (event.key !== "Escape" || event.isComposing || document.querySelector(":popover-open, dialog[open]")) return;
  if (document.body.classList.contains("drawer")) drawer(false);
  else shown.stop();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  if (!link || link.target || link.hasAttribute("download") || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
document.addEventListener("visibilitychange", () => {
  presence.say();
  draw();
});
addEventListener("popstate", route);

function find(event) {
  event.preventDefault();
  drawer(true);
  $("search").focus();
}

// --- Drawing ---

let drawing = 0;

function draw() {
  const title = () => dashboard.chats.get(shown.chatId)?.title || "New chat";
  const { unseen } = presence;
  const name = shown.messages.length ? `${title()} · Tidewire` : "Tidewire";
  document.title = unseen ? `(${unseen}) ${name}` : name; // now: hidden tabs have no frames
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    $("title").textContent = title();
    if (search.chats) sidebar.renderFound(search.chats, shown.chatId);
    else sidebar.render(dashboard.sorted, shown.chatId);
    $("more").hidden = !(search.chats ? search : dashboard).nextCursor;
    account.render();
    drawModels();
    const connected = socket.ready || Date.now() - socket.since < PATIENCE;
    thread.render(shown, { connected, examples: dashboard.models.length ? (isDemo() ? "demo" : "real") : null });
    drawQueue();
    attachments.render(shown);
    drawSlot();
    drawBanner(connected);
    if (atEnd) $("scroll").scrollTop = $("scroll").scrollHeight;
    presence.see();
  });
}

const isDemo = () => (dashboard.models.length > 1 ? $("model").value : dashboard.models[0]?.id) === "demo";

function drawModels() {
  const { models } = dashboard;
  const select = $("model");
  if (select.models !== models) {
    const wanted = storage.read("model");
    const chosen = models.find((model) => model.id === wanted) ?? models.find((model) => model.default);
    const option = ({ id, label }) => h("option", { value: id, selected: id === chosen?.id }, label);
    select.replaceChildren(...models.map(option));
    select.models = models;
    select.hidden = models.length < 2;
  }
  $("note").hidden = !isDemo();
}

function drawQueue() {
  const chat = dashboard.chats.get(shown.chatId);
  const isShown = (item) => shown.messages.some((message) => message.id === item.messageId);
  queue.render((chat?.queue ?? []).filter((item) => !isShown(item)), chat?.queuePaused);
}

function drawSlot() {
  const running = shown.busy;
  const focused = document.activeElement === $("stop") || document.activeElement === $("send");
  $("send").hidden = Boolean(running);
  $("stop").hidden = !running;
  $("stop").disabled = Boolean((shown.running?.stream ?? shown.running)?.stopping);
  if (focused && running) $("stop").focus();
  else if (focused) $("text").focus();
  $("text").placeholder = running ? "Ask ahead: it waits for its turn" : "Ask anything";
}

function drawBanner(connected) {
  const stopped = socket.state === "stopped";
  const isShown = stopped || !connected;
  const waits = shown.messages.some((message) => message.state === "sending");
  const grows = shown.messages.some((message) => message.stream && !message.stream.over);
  let text = socket.reason;
  if (!stopped && navigator.onLine) text = socket.everReady ? "Reconnecting…" : "Connecting…";
  else if (!stopped) text = `You’re offline${waits ? ": will send when you’re back" : ""}`;
  if (!stopped && navigator.onLine && grows) text += " your answer is still being written";
  const seconds = socket.state === "backoff" ? Math.ceil((socket.retryAt - Date.now()) / 1000) : 0;
  $("banner").classList.toggle("shown", isShown);
  if ($("banner-text").textContent !== (isShown ? text : "")) $("banner-text").textContent = isShown ? text : "";
  $("banner-count").textContent = isShown && seconds > 0 ? `Trying again in ${seconds} s` : "";
  $("banner-action").textContent = stopped ? (socket.locked ? "Sign in" : "Reload") : "Try now";
  $("banner-action").hidden = !isShown;
}

$("banner-action").addEventListener("click", () => {
  if (socket.state !== "stopped") socket.open();
  else if (socket.locked) account.open();
  else location.reload();
});

/** Tell people who listen instead of looking; never a token. */
function say(words) {
  $("live").textContent = words;
}

route();
socket.open();
