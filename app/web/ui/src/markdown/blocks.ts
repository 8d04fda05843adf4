/** Cuts a growing markdown text into its top-level blocks; those that cannot change any more stay the same objects. */

import type { Tokens } from "marked";
import { type Read, tokensOf } from "./deep";

export interface Block {
  /** Where it begins in the text, in characters: its identity while the text grows. */
  readonly at: number;
  /** What it is drawn from. */
  readonly raw: string;
  /** A block of code by itself; null for anything else. */
  readonly code: { readonly text: string; readonly language: string } | null;
  /** Whether more of it may come: marks that wait for their end are drawn as if it had come. */
  readonly isOpen: boolean;
}

export class Blocks {
  #source = "";
  #settled: Block[] = [];
  #all: readonly Block[] = [];

  /**
   * The blocks of a text.
   *
   * Only its last block can still become something else while it grows, so only from there on it is read again. Once it
   * is whole it is read from its start: what was grown is then what would have been read at once.
   */
  update(given: string, isLive: boolean): readonly Block[] {
    const source = given.replace(/\r\n?/g, "\n"); // as the lexer does, which counts in these characters
    if (!isLive || !source.startsWith(this.#source)) this.#settled = [];
    this.#source = source;
    const last = this.#settled.at(-1);
    const start = last ? last.at + last.raw.length : 0;
    const blocks = read(source.slice(start), start, isLive);
    this.#all = [...this.#settled, ...blocks].map((block, index) => kept(block, this.#all[index]));
    this.#settled = isLive ? this.#all.slice(0, -1) : [];
    return this.#all;
  }

  /** The last block when it alone has grown, and is not one of code; null when more is to be drawn than that. */
  grow(given: string): Block | null {
    const before = this.#all;
    const after = this.update(given, true);
    const end = after.length - 1;
    const [last, known] = [after[end], before[end]];
    if (!last || before.length !== after.length || last.at !== known?.at || last.code || known.code) return null;
    return after.every((block, index) => index === end || block === before[index]) ? last : null;
  }
}

function read(tail: string, start: number, isLive: boolean): Block[] {
  const blocks: Block[] = [];
  const tokens = tokensOf(tail);
  const definitions = tokens.filter(({ type }) => type === "def").map(({ raw }) => raw);
  let at = start;
  for (const token of tokens) {
    const last = blocks.at(-1);
    const raw = tail.slice(at - start, at - start + token.raw.length); // a token's own may be tidied up
    // The empty lines after a block belong to it, so that blocks follow each other without a gap.
    if (last && isQuiet(token)) blocks[blocks.length - 1] = { ...last, raw: last.raw + raw };
    else blocks.push({ at, raw, code: codeOf(token), isOpen: false });
    at += raw.length;
  }
  const open = blocks.at(-1);
  if (open && isLive) blocks[blocks.length - 1] = { ...open, isOpen: true };
  return isLive || definitions.length === 0 ? blocks : blocks.map((block) => defined(block, definitions.join("\n")));
}

const isQuiet = ({ type }: Read): boolean => type === "space" || type === "def";

const codeOf = (token: Read): Block["code"] => {
  if (token.type !== "code") return null;
  const { text, lang = "" } = token as unknown as Tokens.Code;
  return { text, language: /^\S*/.exec(lang)?.[0] ?? "" };
};

/** A reference may be defined anywhere in the text; each block is drawn by itself, so each gets them all. */
const defined = (block: Block, definitions: string): Block =>
  block.code || !block.raw.includes("[") ? block : { ...block, raw: `${block.raw}\n\n${definitions}` };

function kept(block: Block, known: Block | undefined): Block {
  const isSame =
    known?.at === block.at && known.raw === block.raw && known.isOpen === block.isOpen && Boolean(known.code) === Boolean(block.code);
  return isSame ? known : block;
}
