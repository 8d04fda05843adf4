import { describe, expect, it } from "vitest";
import { groupsOf, spanOf, untilTomorrow } from "../src/sidebar/groups";

const NOW = new Date(2026, 10, 26, 14, 30);
const at = (year: number, month: number, day: number, hour = 12) => new Date(year, month - 1, day, hour).getTime();
const row = (updatedAt: number, pinned = false) => ({ updatedAt, pinned });
const titles = (...moments: number[]) => moments.map((moment) => spanOf(moment, NOW).title);

describe("the heading of a moment", () => {
  it("begins with the person's own midnight", () => {
    expect(titles(at(2026, 11, 26, 0), at(2026, 11, 26, 0) - 1)).toEqual(["Today", "Yesterday"]);
    expect(titles(at(2026, 11, 25, 0), at(2026, 11, 25, 0) - 1)).toEqual(["Yesterday", "Last 7 days"]);
    expect(titles(at(2026, 11, 19, 0), at(2026, 11, 19, 0) - 1)).toEqual(["Last 7 days", "Last 30 days"]);
    expect(titles(at(2026, 10, 27, 0), at(2026, 10, 27, 0) - 1)).toEqual(["Last 30 days", "October"]);
  });

  it("is the month of this year, and names the year of every other", () => {
    expect(titles(at(2026, 3, 3), at(2025, 12, 31), at(2019, 12, 31))).toEqual(["March", "December 2025", "December 2019"]);
  });

  it("is today for a clock that is ahead of ours", () => {
    expect(titles(NOW.getTime() + 86_400_000)).toEqual(["Today"]);
  });
});

describe("chats under headings", () => {
  it("keep their order, each once, the pinned ones before all", () => {
    const rows = [row(at(2026, 11, 26)), row(at(2026, 11, 25)), row(at(2026, 11, 24), true), row(at(2026, 10, 2)), row(at(2026, 10, 1)), row(at(2024, 10, 1))];
    expect(groupsOf(rows, NOW)).toEqual([
      { title: "Pinned", rows: [rows[2]] },
      { title: "Today", rows: [rows[0]] },
      { title: "Yesterday", rows: [rows[1]] },
      { title: "October", rows: [rows[3], rows[4]] },
      { title: "October 2024", rows: [rows[5]] },
    ]);
  });

  it("are none where there are none", () => {
    expect(groupsOf([], NOW)).toEqual([]);
  });

  it("never share a heading with another group", () => {
    const days = Array.from({ length: 3_000 }, (_, ago) => row(NOW.getTime() - ago * 43_200_000));
    const groups = groupsOf(days, NOW);
    expect(new Set(groups.map(({ title }) => title)).size).toBe(groups.length);
    expect(groups.flatMap(({ rows }) => rows)).toEqual(days);
  });
});

it("the headings change at midnight", () => {
  expect(untilTomorrow(NOW)).toBe(9.5 * 3_600_000);
});
