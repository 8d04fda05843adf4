/** Names on the wire: how a client mints one. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const BOUNDS = [4, 6, 8, 10]; // bytes before each dash

/**
 * Build a UUIDv7 (RFC 9562, section 5.7).
 *
 * Ids sort by the time they were minted and carry 74 random bits, so two tabs never collide (a counter would).
 *
 * @param unixMs Unix time in milliseconds.
 * @param random at least 10 random bytes.
 */
export function uuid7(unixMs: number, random: ArrayLike<number>): string {
  const bytes = Array.from({ length: 16 }, (_, at) =>
    at < 6 ? Math.floor(unixMs / 2 ** (8 * (5 - at))) % 256 : (random[at - 6] ?? 0),
  );
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes.map((byte, at) => (BOUNDS.includes(at) ? "-" : "") + HEX[byte]).join("");
}

/** Whether a token is a ticket: good for one frame, so the next hello must not present it again. */
export const isTicket = (token: string): boolean => token.startsWith("twt_");
