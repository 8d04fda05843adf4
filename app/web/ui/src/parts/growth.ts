/**
 * An answer that is being written, in two: its shape, which React draws when it changes, and the words of its last part,
 * which are drawn by themselves. Drawing a whole answer for each word would cost more than the words.
 */

import type { Answer, AnswerView, Message, Part, ReasoningPart, Store, TextPart } from "@tidewire/client";

export class Growth {
  /** The message: the same object while only the words of its last part grow. */
  readonly shape: Store<Message>;
  readonly #answer: Pick<Answer, "isOver">;
  readonly #view: Store<AnswerView>;
  readonly #words = new Map<number, Store<string>>();
  #drawn: Message | null = null;
  #isOver = false;

  /** @param view what the answer holds, called back as often as it may be drawn */
  constructor(answer: Pick<Answer, "isOver">, view: Store<AnswerView>) {
    this.#answer = answer;
    this.#view = view;
    this.shape = { subscribe: view.subscribe, getSnapshot: () => this.#shape() };
  }

  /** The words of a part by its place in the message; null when they will not grow. */
  words(at: number): Store<string> | null {
    if (at !== this.#message.parts.length - 1 || !isGrowing(this.#message.parts[at])) return null;
    const words = this.#words.get(at) ?? { subscribe: this.#view.subscribe, getSnapshot: () => wordsOf(this.#message.parts[at]) };
    this.#words.set(at, words);
    return words;
  }

  get #message(): Message {
    return this.#view.getSnapshot().message;
  }

  #shape(): Message {
    const message = this.#message;
    const { isOver } = this.#answer;
    if (isOver !== this.#isOver) this.#drawn = { ...message }; // another one, though nothing came but the end
    else if (!this.#drawn || !hasOnlyGrown(this.#drawn, message)) this.#drawn = message;
    this.#isOver = isOver;
    return this.#drawn ?? message;
  }
}

type Growing = TextPart | ReasoningPart;

const isGrowing = (part: Part | undefined): part is Growing =>
  (part?.type === "text" || part?.type === "reasoning") && part.state === "streaming";

const wordsOf = (part: Part | undefined): string => (part?.type === "text" || part?.type === "reasoning" ? part.text : "");

/** Parts that did not change are the same objects. */
function hasOnlyGrown(drawn: Message, now: Message): boolean {
  const last = now.parts.length - 1;
  if (drawn.id !== now.id || drawn.metadata !== now.metadata || drawn.parts.length !== now.parts.length) return false;
  return now.parts.every((part, at) => part === drawn.parts[at] || (at === last && isSameButForWords(part, drawn.parts[at])));
}

const isSameButForWords = (part: Part, drawn: Part | undefined): boolean =>
  isGrowing(part) && isGrowing(drawn) && part.type === drawn.type;
