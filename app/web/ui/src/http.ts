/** Calls of the server's HTTP routes, and the refusals they answer with. */

import type { ErrorObject } from "@tidewire/client";

export const UNREACHABLE = "The server cannot be reached.";

const LOST: ErrorObject = { code: "disconnected", message: UNREACHABLE, retryable: true };

/** A route said no, or nothing. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** HTTP status; 0 when nothing came back. */
  readonly status: number;
  /** Which field it is about, as `$.email`. */
  readonly param: string | undefined;

  constructor({ message, param }: ErrorObject, status: number) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/**
 * Call a route and read its answer. Everything but a GET carries a body of JSON.
 *
 * @throws Refusal with a sentence for people, when the server says no or cannot be reached.
 */
export async function call<T>(method: "GET" | "POST" | "DELETE", path: string, body: object = {}): Promise<T> {
  const headers = { "content-type": "application/json" };
  const sent = method === "GET" ? {} : { headers, body: JSON.stringify(body) };
  const response = await fetch(path, { method, ...sent }).catch(() => null);
  if (!response) throw new Refusal(LOST, 0);
  const content = (await response.json().catch(() => ({}))) as T & { readonly error?: ErrorObject };
  if (response.ok) return content;
  throw new Refusal(content.error ?? LOST, response.status);
}
