/** What was deleted here and can still be brought back; kept over a reload, so that deleted stays deleted. */

import { read, write } from "../storage";

export type Kind = "chat" | "project";

export interface Deletion {
  readonly kind: Kind;
  /** Until when it can be brought back, in Unix milliseconds. */
  readonly until: number;
}

const KEY = "deleting";

type Deletions = Readonly<Record<string, Deletion>>;

export const deletions = (): Deletions => read<Deletions>(KEY) ?? {};

export function keepDeletion(id: string, deletion: Deletion): void {
  write(KEY, { ...deletions(), [id]: deletion });
}

export function forgetDeletion(id: string): void {
  const { [id]: _, ...others } = deletions();
  write(KEY, Object.keys(others).length > 0 ? others : null);
}

/** Nobody's any more: another person uses this browser from now on. */
export const forgetDeletions = (): void => write(KEY, null);
