/** Calls of the server's HTTP routes, and how they are refused. */

import type { ErrorObject } from "@tidewire/client";

const LOST: ErrorObject = { code: "disconnected", message: "The server cannot be reached.", retryable: true };

export class Refusal extends Error {
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
 * Call a route and return what it answers. Everything but GET has a JSON body.
 *
 * @throws Refusal with a sentence for people.
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
