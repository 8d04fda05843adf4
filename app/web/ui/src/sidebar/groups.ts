/** Puts chats under headings: what is pinned, then by the day on which something was asked last. */

export interface Dated {
  readonly updatedAt: number;
  readonly pinned: boolean;
}

export interface Group<Row> {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Days are the person's own: from midnight to midnight where they are. */
const midnight = (now: Date, daysAgo: number): number =>
  new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime();

const MONTH = new Intl.DateTimeFormat("en", { month: "long" });

interface Span {
  readonly title: string;
  /** The first millisecond that belongs to it. */
  readonly from: number;
}

/** The heading of a moment. A clock that is ahead of ours still counts as today. */
export function spanOf(at: number, now: Date): Span {
  const near: readonly Span[] = [
    { title: "Today", from: midnight(now, 0) },
    { title: "Yesterday", from: midnight(now, 1) },
    { title: "Last 7 days", from: midnight(now, 7) },
    { title: "Last 30 days", from: midnight(now, 30) },
  ];
  return near.find(({ from }) => at >= from) ?? month(new Date(at), now);
}

function month(day: Date, now: Date): Span {
  const year = day.getFullYear();
  const title = MONTH.format(day);
  return { title: year === now.getFullYear() ? title : `${title} ${year}`, from: new Date(year, day.getMonth()).getTime() };
}

/** @param rows the newest first. */
export function groupsOf<Row extends Dated>(rows: readonly Row[], now: Date): readonly Group<Row>[] {
  const pinned = rows.filter((row) => row.pinned);
  const groups: { title: string; rows: Row[] }[] = pinned.length > 0 ? [{ title: "Pinned", rows: pinned }] : [];
  let span: Span | null = null;
  for (const row of rows) {
    if (row.pinned) continue;
    if (span === null || row.updatedAt < span.from) {
      span = spanOf(row.updatedAt, now);
      groups.push({ title: span.title, rows: [] });
    }
    groups.at(-1)?.rows.push(row);
  }
  return groups;
}

/** How long until the headings are other ones, in milliseconds. */
export const untilTomorrow = (now: Date): number => midnight(now, -1) - now.getTime();
