/** Every wait of the page, in milliseconds. */

/** How often a growing answer is drawn at most: once a frame at 60 Hz. */
export const CHAT_STREAM_UI_THROTTLE_MS = 16;
/**
 * Where a draw costs much, there are fewer: they may take a tenth of the tab's time, as far as a page can measure that
 * (what a browser does around a frame comes on top, about half as much again). But words keep coming, however slow the tab.
 */
export const CHAT_STREAM_UI_PACE = { leastMs: CHAT_STREAM_UI_THROTTLE_MS, mostMs: 100, share: 1 / 10 };
/** How often a growing answer is looked at for other words about its status. */
export const STATUS_THROTTLE_MS = 100;
/** How long a button shows that it has done what it was asked for. */
export const DONE_MS = 2_000;
/** Without a connection for this long, a banner says so; shorter breaks are nobody's business. */
export const PATIENCE_MS = 2_000;
/** A chat that takes longer to read shows its skeleton; a faster one would only flicker. */
export const SKELETON_MS = 150;
/** How often those who listen instead of looking hear that an answer is still being written. */
export const STILL_WRITING_MS = 20_000;
/** How long something that was deleted can be brought back. */
export const UNDO_MS = 6_000;
/** How long to wait after the last key before a search is asked for. */
export const SEARCH_AFTER_MS = 150;
/** After an answer could not be followed its chat is read again, but not in circles. */
export const CALM_MS = 1_000;
/** When to look, after a session has ended, whether another tab has begun the next one: its answer is on its way. */
export const SIGNED_OUT_LOOKS_MS = [300, 1_500];
/** How long each letter of a title takes that writes itself. */
export const TITLE_LETTER_MS = 18;
