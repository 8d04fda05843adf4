/** Which chats stand where in the sidebar. */

import type { DashboardChat, DashboardProject } from "@tidewire/client";

export interface Listing {
  /** Chats in no project, the one asked last first. */
  readonly loose: readonly DashboardChat[];
  readonly archived: readonly DashboardChat[];
  readonly ofProject: ReadonlyMap<string, readonly DashboardChat[]>;
}

/** A chat whose project is gone, or not known yet, is in none. */
export function listingOf(chats: readonly DashboardChat[], projects: readonly DashboardProject[]): Listing {
  const ofProject = new Map<string, DashboardChat[]>(projects.map(({ projectId }) => [projectId, []]));
  const loose: DashboardChat[] = [];
  const archived: DashboardChat[] = [];
  for (const chat of chats) (chat.archived ? archived : (ofProject.get(chat.projectId ?? "") ?? loose)).push(chat);
  return { loose, archived, ofProject };
}

/** Chats that are known, and those found beside them, each once and the one asked last first. */
export function withFound(known: readonly DashboardChat[], found: readonly DashboardChat[]): readonly DashboardChat[] {
  const ids = new Set(known.map(({ chatId }) => chatId));
  const others = found.filter(({ chatId }) => !ids.has(chatId));
  return others.length === 0 ? known : [...known, ...others].sort((one, other) => other.updatedAt - one.updatedAt);
}
