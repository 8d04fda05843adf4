/**
 * Reads JSON that is still being written: the input of a tool call, token by token.
 *
 * A port of `fix-json` and `parse-partial-json` of npm package `ai` 7, as `protocol/parts/partial_json.py` is. A text
 * that is not JSON yet is cut after its last complete character, and what is open is closed. As there: NUL and lone
 * surrogates are dropped, nesting beyond 64 levels counts as unreadable, and an infinite number is null.
 */

/** What replaces the top of the stack, and whether the text may be cut after this character. */
type Move = readonly [next: readonly string[], cuts: boolean];
type Moves = Readonly<Record<string, Move>>;

const LITERALS = ["true", "false", "null"];
const DIGITS = "0123456789";
const HEX = "0123456789abcdefABCDEF";
const MOST_DEPTH = 64;

const each = (characters: string, move: Move): Moves =>
  Object.fromEntries([...characters].map((character) => [character, move]));

/** The moves that begin a value; `after` is the state behind it. */
const value = (after: string): Moves => ({
  ...each(DIGITS, [[after, "number"], true]),
  ...each("tfn", [[after, "literal"], true]),
  "-": [[after, "number"], false],
  '"': [[after, "string"], true],
  "{": [[after, "object"], true],
  "[": [[after, "array"], true],
});

// One line a state. A missing character is ignored: whether the text is JSON at all is left to the real parser.
const MOVES: Readonly<Record<string, Moves>> = {
  root: value("done"),
  done: {},
  object: { '"': [["object key"], false], "}": [[], true] },
  "object comma": { '"': [["object key"], false] },
  "object key": { '"': [["object colon"], false] },
  "object colon": { ":": [["object value"], false] },
  "object value": value("object next"),
  "object next": { ",": [["object comma"], false], "}": [[], true] },
  array: { ...value("array next"), "]": [[], true] },
  "array comma": value("array next"),
  "array next": { ",": [["array comma"], false], "]": [[], true] },
  string: { '"': [[], true], "\\": [["string", "escape"], false] },
  escape: { u: [["hex 1"], false] },
  "hex 1": each(HEX, [["hex 2"], false]),
  "hex 2": each(HEX, [["hex 3"], false]),
  "hex 3": each(HEX, [["hex 4"], false]),
  "hex 4": each(HEX, [[], true]),
  number: { ...each(DIGITS, [["number"], true]), ...each("eE-.", [["number"], false]) },
};

// What a character means in a state that names it nowhere; states without a line here ignore it.
const OTHERWISE: Moves = {
  string: [["string"], true],
  escape: [[], true],
  "array next": [["array next"], true],
};

const CLOSE: Readonly<Record<string, string>> = { string: '"', object: "}", array: "]" };
const ENDS_VALUE: Readonly<Record<string, string>> = { "object next": ",}", "array next": ",]" };

/** Cut a text after its last complete character and close what is open. */
function completed(text: string): string {
  const stack = ["root"];
  let cut = 0;
  let literal = 0;

  const move = (state: string, character: string, at: number): void => {
    const found = MOVES[state]?.[character] ?? OTHERWISE[state];
    if (!found) return;
    stack.splice(-1, 1, ...found[0]);
    if (found[1]) cut = at + 1;
    if (found[0].at(-1) === "literal") literal = at;
  };

  /** A number or literal is over; the character may end the value around it. */
  const leave = (character: string, at: number): void => {
    stack.pop();
    const state = stack.at(-1) ?? "done";
    if (ENDS_VALUE[state]?.includes(character)) move(state, character, at);
  };

  for (let at = 0; at < text.length; at += 1) {
    const state = stack.at(-1) ?? "done";
    const character = text.charAt(at);
    if (state === "literal") {
      if (LITERALS.some((word) => word.startsWith(text.slice(literal, at + 1)))) cut = at + 1;
      else leave(character, at);
    } else if (state === "number" && !MOVES.number?.[character]) leave(character, at);
    else move(state, character, at);
  }
  return text.slice(0, cut) + stack.reverse().map((state) => closing(state, text.slice(literal))).join("");
}

function closing(state: string, begun: string): string {
  if (state !== "literal") return CLOSE[state.split(" ")[0] ?? ""] ?? "";
  return LITERALS.find((word) => word.startsWith(begun))?.slice(begun.length) ?? "";
}

/** The value of JSON that may stop anywhere; null when not even a beginning can be read. */
export function parsePartial(text: string): { readonly value: unknown } | null {
  return parsed(text) ?? parsed(completed(text));
}

function parsed(text: string): { readonly value: unknown } | null {
  try {
    const found = cleaned(JSON.parse(text), MOST_DEPTH);
    return poisons(found) ? null : { value: found };
  } catch {
    return null;
  }
}

function cleaned(found: unknown, depth: number): unknown {
  if (typeof found === "string") return found.replace(/\p{Surrogate}|\0/gu, "");
  if (typeof found === "number") return Number.isFinite(found) ? found : null;
  if (typeof found !== "object" || found === null) return found;
  if (depth === 0) throw new RangeError("nested too deep");
  if (Array.isArray(found)) return found.map((item) => cleaned(item, depth - 1));
  return Object.fromEntries(Object.entries(found).map(([key, item]) => [cleaned(key, 1), cleaned(item, depth - 1)]));
}

/** Whether a key would reach a prototype; `ai` refuses such input. */
function poisons(found: unknown): boolean {
  if (typeof found !== "object" || found === null) return false;
  if (Object.hasOwn(found, "__proto__")) return true;
  const constructor: unknown = Object.hasOwn(found, "constructor") ? Reflect.get(found, "constructor") : null;
  const reaches = typeof constructor === "object" && constructor !== null && Object.hasOwn(constructor, "prototype");
  return reaches || Object.values(found).some(poisons);
}
