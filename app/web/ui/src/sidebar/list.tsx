/** The chats under their headings; what was found; what is archived. */

import type { DashboardChat } from "@tidewire/client";
import { useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Rows } from "./block";
import type { Found } from "./found";
import { groupsOf, untilTomorrow } from "./groups";
import type { RowDeeds } from "./row";

export interface ListProps {
  readonly shownId: string;
  readonly renamedId: string | null;
  readonly deeds: RowDeeds;
}

interface GroupsProps extends ListProps {
  readonly chats: readonly DashboardChat[];
}

export function Groups({ chats, ...list }: GroupsProps) {
  const today = useToday();
  const groups = useMemo(() => groupsOf(chats, new Date(today)), [chats, today]);
  return groups.map(({ title, rows }) => (
    <section key={title} className="group" aria-label={title}>
      <h2>{title}</h2>
      <Rows chats={rows} label={title} {...list} />
    </section>
  ));
}

/** The day, in Unix milliseconds; another one after midnight. */
function useToday(): number {
  const [today, begin] = useState(Date.now);
  useEffect(() => {
    const timer = setTimeout(() => begin(Date.now()), untilTomorrow(new Date()) + 1_000);
    return () => clearTimeout(timer);
  }, [today]);
  return today;
}

/** Reads on as one comes near the end. @param count how many there are: after more came it looks again. */
export function End({ count, more }: { readonly count: number; more(): void }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = end.current;
    if (!element) return;
    const looker = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && more(), {
      root: element.closest(".lists"),
      rootMargin: "1500px 0px",
    });
    looker.observe(element);
    return () => looker.disconnect();
  }, [count, more]);
  return <div ref={end} className="end">Loading more…</div>;
}

/** What a search has found, the one asked last first. */
export function FoundList({ found, ...list }: ListProps & { readonly found: Found }) {
  const { filing } = useWorkspace();
  const { chats, more } = useStore(found);
  useStore(filing);
  const shown = filing.current(chats ?? []);
  const next = useMemo(() => () => void found.more(), [found]);
  if (chats === null) return null;
  return (
    <section className="group" aria-label="Found">
      <h2>Found</h2>
      {shown.length === 0 && <p className="nothing" role="status">No chat has these words.</p>}
      <Rows chats={shown} label="Found" {...list} />
      {more && <End count={chats.length} more={next} />}
    </section>
  );
}

interface ArchiveProps extends GroupsProps {
  /** How many chats are known, archived or not: a page may hold none that is. */
  readonly known: number;
  readonly more: boolean;
  read(): void;
}

/** What was put away. */
export function Archive({ chats, known, more, read, ...list }: ArchiveProps) {
  return (
    <section className="group" aria-label="Archived">
      <h2>Archived</h2>
      {chats.length === 0 && !more && <p className="nothing">Nothing is archived.</p>}
      <Rows chats={chats} label="Archived" {...list} />
      {more && <End count={known} more={read} />}
    </section>
  );
}
