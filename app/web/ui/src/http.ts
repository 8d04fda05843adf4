/** Calls of the server's HTTP routes, and the refusals they answer with. */

import type { ErrorObject } from "@tidewire/client";

const LOST: ErrorObject = { code: "disconnected", message: "The connection was lost.", retryable: true };

/** A route said no; `param` names the field it is about. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  readonly param: string | undefined;
  readonly status: number | undefined;

  constructor({ code, message, param }: ErrorObject & { readonly param?: string }, status?: number) {
    super(message);
    this.code = code;
    this.param = param;
    this.status = status;
  }
}

/**
 * Call a route and read its answer. Everything but a GET carries a body: JSON, unless it is a file.
 *
 * @throws Refusal when the server says no, or cannot be reached.
 */
export async function call<T>(
  method: "GET" | "POST" | "DELETE",
  path: string,
  body: object | Blob = {},
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<T> {
  const sent = method === "GET" ? {} : { headers, body: body instanceof Blob ? body : JSON.stringify(body) };
  const response = await fetch(path, { method, ...sent }).catch(() => null);
  if (!response) throw new Refusal(LOST);
  const content = (await response.json().catch(() => ({}))) as T & { readonly error?: ErrorObject };
  if (response.ok) return content;
  throw new Refusal(content.error ?? { ...LOST, retryable: response.status >= 500 }, response.status);
}
