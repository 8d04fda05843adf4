/** Answers of the server's HTTP routes: JSON of a known shape, or a refusal in the words of a command's. */

import type { ErrorObject } from "../frames.js";
import { errorObject } from "../objects.js";
import { json, type Read } from "../reading.js";
import { CommandRefused } from "./errors.js";

/** What `fetch` resolves with, as far as it is needed here. */
export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<unknown>;
}

/** Read the answer to a call of a route; throws `CommandRefused`, whose `command` is the path, when it says no. */
export async function answerOf<T>(path: string, reply: Reply, read: Read<T>): Promise<T> {
  const body = await reply.json().catch(() => ({}));
  if (reply.ok) return read(body);
  throw new CommandRefused(path, refusal(body, reply.status));
}

function refusal(body: unknown, status: number): ErrorObject {
  try {
    return errorObject(json(body).error);
  } catch {
    return { code: "internal", message: `The server answered with status ${status}.`, retryable: status >= 500 };
  }
}
