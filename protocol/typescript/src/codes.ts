/** Close codes, and the errors that announce them: whether a new socket may help (PROTOCOL, sections 8 and 9). */

export type Verdict = "reconnect" | "stop";

/** The close code that follows a fatal error of this code. */
export const CLOSES: Readonly<Record<string, number>> = {
  invalid_frame: 4400,
  hello_required: 4400,
  duplicate_hello: 4400,
  unsupported_protocol: 4406,
  unauthenticated: 4401,
  token_expired: 4401,
  session_revoked: 4403,
  account_disabled: 4403,
  connection_limit: 4409,
  rate_limited: 4529,
  unavailable: 4503,
  internal: 4500,
  hello_timeout: 4504,
  heartbeat_timeout: 4508,
  slow_consumer: 4508,
  draining: 1012,
  overloaded: 1013,
};

export const NORMAL = 1000;
export const NO_CODE = 1005;
export const ABNORMAL = 1006;
export const INVALID_FRAME = 4400;
/** We gave the socket up: it was silent for too long. */
export const GIVEN_UP = 4000;

// The same bytes would be refused again, so a reconnect alone cannot help.
const STOPPING = new Set([1003, 1007, 1009]);

/** Whether a client should reconnect after this close code, by range alone. */
export function verdict(code: number): Verdict {
  return (code >= 4400 && code <= 4499) || STOPPING.has(code) ? "stop" : "reconnect";
}
