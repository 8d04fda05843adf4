/** Quotes and lists within each other so deep that nobody wrote them to be read: reading them would exhaust the stack. */

import { lexer } from "marked";

const MARK = String.raw`[ \t]*(?:>|[*+-][ \t]|\d{1,9}[.)][ \t])`;
const DEEP = new RegExp(String.raw`^(?:(?:${MARK}){50}|[ \t]{200,}${MARK})`, "m");

export const isDeep = (text: string): boolean => DEEP.test(text);

export interface Read {
  readonly type: string;
  readonly raw: string;
}

/** The top-level tokens of a text; from a line that is too deep to the next empty one it is a paragraph, which is drawn as it is. */
export function tokensOf(text: string): readonly Read[] {
  const tokens: Read[] = [];
  let rest = text;
  for (let deep = DEEP.exec(rest); deep; deep = DEEP.exec(rest)) {
    const gap = rest.indexOf("\n\n", deep.index);
    const end = gap < 0 ? rest.length : gap;
    tokens.push(...lexer(rest.slice(0, deep.index)), { type: "paragraph", raw: rest.slice(deep.index, end) });
    rest = rest.slice(end);
  }
  tokens.push(...lexer(rest));
  return tokens;
}
