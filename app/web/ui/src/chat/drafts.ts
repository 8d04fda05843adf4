/** What is being typed, by chat; kept over a reload, and forgotten once it is sent. */

import { read, write } from "../storage";
import type { Content } from "./asking";

/** A file beside the words: uploaded at once, so that sending waits for nothing. */
export interface DraftFile {
  readonly key: string;
  readonly filename: string;
  readonly size: number;
  readonly mediaType: string;
  /** What the server calls it; null until it is uploaded. */
  readonly url: string | null;
  readonly problem: string | null;
}

export interface Draft {
  readonly text: string;
  readonly files: readonly DraftFile[];
}

const EMPTY: Draft = { text: "", files: [] };

export class Drafts {
  readonly #drafts = new Map<string, Draft>();
  readonly #listeners = new Set<() => void>();

  /** @param key the chat's id; `new` for the chat that does not exist yet. */
  get(key: string): Draft {
    const draft = this.#drafts.get(key) ?? { ...EMPTY, ...read<Draft>(`draft.${key}`) };
    this.#drafts.set(key, draft);
    return draft;
  }

  change(key: string, change: Partial<Draft>): void {
    const draft = { ...this.get(key), ...change };
    this.#drafts.set(key, draft);
    const files = draft.files.filter(({ url }) => url !== null);
    write(`draft.${key}`, draft.text || files.length > 0 ? { text: draft.text, files } : null);
    for (const listener of [...this.#listeners]) listener();
  }

  forget(key: string): void {
    this.change(key, EMPTY);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** What a draft is sent as. */
export const contentOf = ({ text, files }: Draft): Content => [
  ...files.flatMap(({ url, mediaType, filename }) => (url === null ? [] : [{ type: "file" as const, url, mediaType, filename }])),
  ...(text.trim() ? [{ type: "text" as const, text }] : []),
];

/** What the wire takes as one question, and what its frame says beside the words. */
const MOST_CHARACTERS = 200_000;
const BESIDE_BYTES = 16_384;

/**
 * Why a draft cannot be sent as it stands; null: it can.
 *
 * @param frameBytes what the server takes at once.
 */
export function hindrance({ text, files }: Draft, frameBytes: number): "empty" | "uploading" | "broken" | "long" | null {
  const isLong = text.length > 20_000 && new Blob([JSON.stringify(text)]).size > frameBytes - BESIDE_BYTES;
  if (isLong || text.length > MOST_CHARACTERS) return "long";
  if (files.some(({ problem }) => problem !== null)) return "broken";
  if (files.some(({ url }) => url === null)) return "uploading";
  return text.trim() || files.length > 0 ? null : "empty";
}
