/** When something was last seen, in whole days: the server knows it to the quarter of an hour. */

const DAY = 86_400_000;
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** @param at Unix milliseconds; undefined or 0: never. */
export function ago(at: number | undefined, now: number): string {
  if (!at) return "never";
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / DAY);
  return WORDS.format(-days, "day");
}
